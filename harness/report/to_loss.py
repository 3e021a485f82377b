"""How soon trainings come to a loss, beside a named baseline: steps, time and memory (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.report.axes import SPEAKER, settings_at, varying
from harness.report.load import Attempt, RunData
from harness.report.numbers import fixed
from harness.report.text import plural
from harness.report.werr import Readable, named_baseline
from harness.results.to_loss import lowest_loss, reached
from harness.results.werr_pairs import Pair, pairs_of
from harness.scenario.report import BEFORE, Report


@dataclass(frozen=True)
class Effort:
    """What the repeats of a training took to come to a loss: medians of those that did."""

    times: int
    """How many of them came to it."""
    of: int
    epoch: float | None
    """None: none of them came to it."""
    steps: float | None
    """None besides: results of an older version do not say it."""
    seconds: float | None
    """Of steps alone."""
    peak_rss_mb: float | None
    """Over the whole training."""
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class LossRow:
    """A training and the one that it is compared with."""

    speaker: str
    settings: tuple[tuple[str, str], ...]
    loss: float
    base: Effort | None
    """None where only a loss is given, or where no baseline is like it."""
    new: Effort


@dataclass(frozen=True)
class LossTable:
    """The trainings of a run."""

    run_id: str
    baseline: str
    """In words; empty where none is named."""
    given: float | None
    """The loss that the scenario names; None: what each baseline came to at its lowest."""
    rows: tuple[LossRow, ...]


def loss_tables(runs: Sequence[RunData]) -> tuple[LossTable, ...]:
    """Return a table of each run whose scenario names a loss, or jobs as the baseline."""
    tables = (_table(run, run.scoring.asked) for run in runs if run.scoring is not None)
    return tuple(table for table in tables if table is not None and table.rows)


def _table(run: RunData, asked: Report) -> LossTable | None:
    jobs = isinstance(asked.baseline, dict)
    if asked.loss is None and not jobs:
        return None
    attempts = [Readable(attempt) for attempt in run.personal if attempt.finished]
    own = asked if jobs else asked.model_copy(update={"baseline": BEFORE})
    pairs, _ = pairs_of(own, attempts)
    varied = [axis.path for axis in varying([each.attempt for p in pairs for each in p.new])]
    paths = list(dict.fromkeys((*(asked.baseline if jobs and asked.baseline else ()), *varied)))
    paths = [path for path in paths if path != SPEAKER]
    rows = (_row(pair, paths, asked.loss) for pair in pairs)
    name = named_baseline(asked) if jobs else ""
    return LossTable(
        run.record.run_id, name, asked.loss, tuple(row for row in rows if row is not None)
    )


def _row(pair: Pair[Readable], paths: Sequence[str], given: float | None) -> LossRow | None:
    base = [] if pair.before else [each.attempt for each in pair.base]
    new = [each.attempt for each in pair.new]
    lowest = [lowest_loss(attempt.result) for attempt in base]
    known = [loss for loss in lowest if loss is not None]
    goal = given if given is not None else max(known, default=None)
    if goal is None or all(lowest_loss(attempt.result) is None for attempt in new):
        return None
    before = _effort(base, goal) if base else None
    settings = settings_at(new[0], paths)
    return LossRow(pair.speaker, settings, goal, before, _effort(new, goal))


def _effort(attempts: Sequence[Attempt], loss: float) -> Effort:
    found = [r for attempt in attempts if (r := reached(attempt.result, loss)) is not None]
    steps = [each.steps for each in found if each.steps is not None]
    peaks = [peak for attempt in attempts if (peak := attempt.result.peak_rss_mb) is not None]
    return Effort(
        times=len(found),
        of=len(attempts),
        epoch=median(each.epoch for each in found) if found else None,
        steps=median(steps) if found and len(steps) == len(found) else None,
        seconds=median(each.seconds for each in found) if found else None,
        peak_rss_mb=median(peaks) if peaks else None,
        attempts=tuple(attempts),
    )


def in_words(table: LossTable) -> str:
    """Return in a sentence how many trainings came to the loss sooner than their baseline."""
    beside = [row for row in table.rows if row.base is not None]
    if not beside:
        came = sum(row.new.times > 0 for row in table.rows)
        return (
            f"{came} of {plural(len(table.rows), 'training')} came to a loss of "
            f"{fixed(table.given, 1)}."
        )
    sooner = sum(_sooner(row.new, row.base) for row in beside)
    never = sum(not row.new.times for row in beside)
    loss = "its lowest loss" if table.given is None else f"a loss of {fixed(table.given, 1)}"
    end = f", {never} never" if never else ""
    return (
        f"{sooner} of {plural(len(beside), 'training')} came to {loss} in fewer epochs than "
        f"{table.baseline}{end}."
    )


def _sooner(new: Effort, base: Effort | None) -> bool:
    if new.epoch is None or base is None:
        return False
    return base.epoch is None or new.epoch < base.epoch
