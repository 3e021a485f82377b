"""The answer of a run in a few figures, for the first screen of its page (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.expect import Check
from harness.report.load import RunData
from harness.report.numbers import fixed
from harness.report.outcome import changes
from harness.report.rounds import trainings
from harness.report.text import listed
from harness.report.wer import interval_text
from harness.report.words import cell_name, largest_fall


@dataclass(frozen=True)
class KeyFigure:
    """One figure with what it is of."""

    figure: str
    label: str
    good: bool | None = None
    """None: neither good nor bad."""


def key_figures(data: RunData, checks: Sequence[Check]) -> tuple[KeyFigure, ...]:
    """Return what a reader wants first: what failed, how far WER fell, what was expected.

    Args:
        data: The run.
        checks: Its expectations, judged.
    """
    figures = [_jobs(data), *_failures(data), *_rounds(data), *_wer(data), *_expectations(checks)]
    failed = [figure for figure in figures if figure.good is False]
    return (*failed, *(figure for figure in figures if figure.good is not False))


def _jobs(data: RunData) -> KeyFigure:
    planned = max(len(data.record.plan), len(data.final))
    finished = sum(attempt.finished for attempt in data.final)
    ended = data.record.finished_utc is not None
    return KeyFigure(
        f"{finished} of {planned}",
        "jobs finished",
        finished == planned if ended or finished == planned else None,
    )


def _failures(data: RunData) -> list[KeyFigure]:
    kinds = [attempt.result.failure.kind for attempt in data.attempts if attempt.result.failure]
    if not kinds:
        return []
    counted = [
        f"{kind} {kinds.count(kind)}×" if kinds.count(kind) > 1 else kind
        for kind in sorted(set(kinds), key=lambda kind: -kinds.count(kind))
    ]
    label = f"failed {'attempt' if len(kinds) == 1 else 'attempts'}: {listed(list(counted))}"
    return [KeyFigure(str(len(kinds)), label, good=False)]


def _rounds(data: RunData) -> list[KeyFigure]:
    figures = []
    for training in trainings([data]):
        fall = training.fall
        if fall is not None:
            figure = f"{fixed(fall[0], 1)} → {fixed(fall[1], 1)} %"
            figures.append(KeyFigure(figure, f"mean WER, {training.words}", fall[1] < fall[0]))
    return figures


def _wer(data: RunData) -> list[KeyFigure]:
    cells = changes(data.personal)
    best = largest_fall(cells)
    figures = []
    unknown = [cell for cell in cells if cell.unknown_speech and cell.before is not None]
    if unknown:
        nearest = min(unknown, key=lambda cell: cell.after.median if cell.after else math.inf)
        before = nearest.before.median if nearest.before else None
        after = nearest.after.median if nearest.after else None
        speakers = listed(list(dict.fromkeys(cell.speaker for cell in unknown)), most=3)
        label = f"WER: the baseline does not know the speech of {speakers}"
        figures.append(KeyFigure(f"{fixed(before, 1)} → {fixed(after, 1)} %", label, good=False))
    if best is None or best.before is None or best.after is None:
        return figures
    fell = best.after.median < best.before.median
    figure = f"{fixed(best.before.median, 1)} → {fixed(best.after.median, 1)} %"
    sure = interval_text(best.after_interval)
    label = f"WER of {cell_name(best, cells)}" + (", the largest fall" if len(cells) > 1 else "")
    if sure:
        label += f"; 95 % interval {sure} %"
    return [*figures, KeyFigure(figure, label, good=fell)]


def _expectations(checks: Sequence[Check]) -> list[KeyFigure]:
    if not checks:
        return []
    holds = sum(check.verdict == "holds" for check in checks)
    open_ones = sum(check.verdict == "cannot be said" for check in checks)
    label = "expectation holds" if len(checks) == 1 else "expectations hold"
    if open_ones:
        label += f", {open_ones} could not be judged"
    return [KeyFigure(f"{holds} of {len(checks)}", label, good=holds == len(checks))]
