"""The answer of a page in a few figures, for its first screen (pure).

What failed comes first. Then the answer to what the scenario asks by what it varies: of several
settings which is the best and how sure that is, of one setting how many speakers it helped, of one
job by how much. Nothing here is a mean over settings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.expect import Check
from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed
from harness.report.outcome import Change, changes
from harness.report.ranking import Ranking
from harness.report.rounds import trainings
from harness.report.text import listed
from harness.report.wer import heard_after, heard_before, interval_text, unknown_speakers
from harness.report.words import cell_name, largest_fall
from harness.results.wer_difference import wer_difference
from harness.results.wer_interval import WerInterval


@dataclass(frozen=True)
class KeyFigure:
    """One figure with what it is of."""

    figure: str
    label: str
    good: bool | None = None
    """None: neither good nor bad."""
    link: str = ""
    """The section that has more of it."""


def key_figures(
    runs: Sequence[RunData], checks: Sequence[Check], ranking: Ranking | None
) -> tuple[KeyFigure, ...]:
    """Return what a reader wants first.

    Args:
        runs: Of the page.
        checks: Their expectations, judged.
        ranking: Their settings by WER, where there are several.
    """
    final = [attempt for run in runs for attempt in run.personal]
    jobs = _jobs(runs)
    figures = [
        *_failures([attempt for run in runs for attempt in run.attempts]),
        *([jobs] if jobs.good is False else []),
        *_rounds(runs),
        *_unknown(final),
        *(_best(ranking) if ranking else _fall(final)),
        *_expectations(checks, ended=all(run.record.finished_utc for run in runs)),
        *([jobs] if jobs.good is not False else []),
    ]
    failed = [figure for figure in figures if figure.good is False]
    return (*failed, *(figure for figure in figures if figure.good is not False))


def _jobs(runs: Sequence[RunData]) -> KeyFigure:
    planned = sum(max(len(run.record.plan), len(run.final)) for run in runs)
    finished = sum(attempt.finished for run in runs for attempt in run.final)
    ended = all(run.record.finished_utc is not None for run in runs)
    skipped = sum(len(run.skipped) for run in runs)
    label = "job finished" if planned == 1 else "jobs finished"
    if skipped:
        label += f", {skipped} skipped"
    good = finished == planned if ended or finished == planned else None
    return KeyFigure(f"{finished} of {planned}", label, good)


def _failures(attempts: Sequence[Attempt]) -> list[KeyFigure]:
    kinds = [attempt.result.failure.kind for attempt in attempts if attempt.result.failure]
    if not kinds:
        return []
    counted = [
        f"{kind} {kinds.count(kind)}×" if kinds.count(kind) > 1 else kind
        for kind in sorted(set(kinds), key=lambda kind: -kinds.count(kind))
    ]
    label = f"failed {'attempt' if len(kinds) == 1 else 'attempts'}: {listed(list(counted))}"
    return [KeyFigure(str(len(kinds)), label, good=False, link="wrong")]


def _rounds(runs: Sequence[RunData]) -> list[KeyFigure]:
    figures = []
    for training in trainings(runs):
        fall = training.fall
        if fall is not None:
            figure = f"{fixed(fall[0], 1)} → {fixed(fall[1], 1)} %"
            label = f"mean WER, {training.words}"
            figures.append(KeyFigure(figure, label, fall[1] < fall[0], "rounds"))
    return figures


def _unknown(final: Sequence[Attempt]) -> list[KeyFigure]:
    finished = [attempt for attempt in final if attempt.finished]
    unknown = unknown_speakers(finished)
    if not unknown:
        return []
    cells = [cell for cell in changes(finished) if cell.speaker in unknown and cell.before]
    nearest = min(cells, key=lambda cell: cell.after.median if cell.after else math.inf)
    label = f"WER: the baseline does not know the speech of {listed(list(unknown), most=3)}"
    return [KeyFigure(_from_to(nearest), label, good=False, link="curves")]


def _best(ranking: Ranking) -> list[KeyFigure]:
    best, others = ranking.best, len(ranking.settings) - 1
    label = f"lowest WER of {others + 1} settings: {best.name}{_sure(best.interval)}"
    if best.before_percent is not None:
        label += f"; before training {fixed(best.before_percent, 1)} %"
    fell = None if best.before_percent is None else best.after_percent < best.before_percent
    figures = [KeyFigure(f"{fixed(best.after_percent, 1)} %", label, fell, "map")]
    following = ranking.settings[1]
    if following.behind is None:
        return figures
    if ranking.as_good:
        figure = f"{ranking.as_good} of {others}"
        label = "other settings may be as good: too few words were heard to tell"
    else:
        figure = f"{fixed(following.behind.points, 1)} points"
        label = f"lower than the next, {following.name}: too much for chance"
    return [*figures, KeyFigure(figure, label, link="map")]


def _fall(final: Sequence[Attempt]) -> list[KeyFigure]:
    """Return how far WER fell where nothing is compared but speakers and phones."""
    cells = [cell for cell in changes(final) if not cell.unknown_speech]
    best = largest_fall(cells)
    if best is None or best.after is None or best.before is None:
        return []
    fell = [cell for cell in cells if cell.difference is not None and cell.difference < 0]
    if len(cells) == 1:
        return [_one_fall(best)]
    label = f"WER of {cell_name(best, cells)}, the largest fall{_sure(best.after_interval)}"
    speakers = {cell.speaker for cell in cells}
    helped = len(speakers) - len({cell.speaker for cell in cells if cell not in fell})
    figures = [KeyFigure(_from_to(best), label, bool(fell), "curves")]
    if len(speakers) > 1:
        every = KeyFigure(f"{helped} of {len(speakers)}", "speakers whose WER fell", bool(helped))
        figures.insert(0, every)
    return figures


def _one_fall(cell: Change) -> KeyFigure:
    label = f"WER of {cell.speaker}{_sure(cell.after_interval)}"
    difference = wer_difference(
        [row for attempt in cell.attempts for row in heard_before(attempt)],
        [row for attempt in cell.attempts for row in heard_after(attempt)],
    )
    if difference is not None and not difference.clear:
        label += "; too few words to tell from no change"
    return KeyFigure(_from_to(cell), label, (cell.difference or 0.0) < 0, "curves")


def _sure(interval: WerInterval | None) -> str:
    text = interval_text(interval)
    return f"; 95 % interval {text} %" if text else ""


def _from_to(cell: Change) -> str:
    before = cell.before.median if cell.before else None
    after = cell.after.median if cell.after else None
    return f"{fixed(before, 1)} → {fixed(after, 1)} %"


def _expectations(checks: Sequence[Check], *, ended: bool) -> list[KeyFigure]:
    if not checks:
        return []
    holds = sum(check.verdict == "holds" for check in checks)
    open_ones = sum(check.verdict == "cannot be said" for check in checks)
    label = "expectation holds" if len(checks) == 1 else "expectations hold"
    if open_ones:
        label += f", {open_ones} could not be judged"
    good: bool | None = holds == len(checks)
    if not ended and holds + open_ones == len(checks) and open_ones:
        good = None  # a run that goes on may still tell
    return [KeyFigure(f"{holds} of {len(checks)}", label, good, "did")]
