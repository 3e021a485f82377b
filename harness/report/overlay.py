"""Several runs in one chart: WER by epoch of the same jobs, a line a run (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.axes import PROFILE, SPEAKER, keys_at, settings_at
from harness.report.changed import paths_within
from harness.report.load import Attempt, RunData
from harness.report.outcome import Line, evaluated, line_of, scale_of
from harness.report.sub_models import RankedSubModel


@dataclass(frozen=True)
class RunLine:
    """One run in a chart."""

    number: int
    """From 1, as the page counts its runs."""
    look: RankedSubModel
    """Colour and mark, by its place among the runs."""
    line: Line


@dataclass(frozen=True)
class Overlay:
    """The same jobs in several runs."""

    key: str
    speaker: str
    phone: str
    settings: tuple[tuple[str, str], ...]
    lines: tuple[RunLine, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Overlays:
    """Charts to be compared, on one scale."""

    charts: tuple[Overlay, ...]
    wer_max: float
    epoch_max: int


def looks_of(count: int) -> tuple[RankedSubModel, ...]:
    """Return a colour and mark for each of so many runs, from the first to the last."""
    names = tuple(f"run {number}" for number in range(1, count + 1))
    return tuple(RankedSubModel.of(name, names) for name in names)


def overlays(runs: Sequence[RunData]) -> Overlays | None:
    """Return a chart for each kind of job; None where no two runs have one in common.

    Args:
        runs: Of the page, in its order.
    """
    paths = paths_within(runs)
    looks = looks_of(len(runs))
    groups: dict[tuple[str, ...], dict[int, list[Attempt]]] = {}
    for number, run in enumerate(runs, 1):
        for attempt in evaluated(run.personal):
            key = keys_at(attempt, paths)
            groups.setdefault(key, {}).setdefault(number, []).append(attempt)
    charts = []
    for place, by_run in enumerate(groups.values(), 1):
        first = next(iter(by_run.values()))[0]
        lines = tuple(
            RunLine(number, looks[number - 1], line_of(members))
            for number, members in by_run.items()
        )
        charts.append(
            Overlay(
                f"o{place}",
                first.result.speaker,
                first.result.phone.profile,
                settings_at(first, [path for path in paths if path not in (SPEAKER, PROFILE)]),
                lines,
                tuple(attempt for members in by_run.values() for attempt in members),
            )
        )
    if not any(len(chart.lines) > 1 for chart in charts):
        return None
    every = [own.line for chart in charts for own in chart.lines]
    return Overlays(tuple(charts), *scale_of(every))
