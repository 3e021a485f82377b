"""What came out: WER by epoch, before and after (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.axes import (
    PROFILE,
    RUN,
    SPEAKER,
    Axis,
    facets,
    is_phone,
    is_pressure,
    keys_at,
    settings_at,
    shown,
    value_at,
    varying,
)
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread
from harness.report.sub_models import RankedSubModel
from harness.report.wer import interval_after, interval_before, is_unknown_speech
from harness.results.wer_interval import WerInterval


@dataclass(frozen=True)
class Point:
    """One epoch of a line: the median over repeats and their range."""

    epoch: int
    wer: Spread


@dataclass(frozen=True)
class Line:
    """One sub-model in a panel."""

    sub_model: RankedSubModel
    round: int
    points: tuple[Point, ...]
    kept: Point | None
    """The kept epoch (the commonest where repeats differ)."""
    note: str
    """What tells it from another line of the same sub-model; empty where nothing must."""
    kept_interval: WerInterval | None = None
    """How sure the kept epoch's WER is."""


@dataclass(frozen=True)
class Panel:
    """WER against epochs for one speaker on one kind of phone under one setting."""

    key: str
    speaker: str
    accent: str
    phone: str
    settings: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    baseline: float | None
    attempts: tuple[Attempt, ...]

    @property
    def unknown_speech(self) -> bool:
        """Whether the baseline does not know this speech: WER of 100 % or more before training."""
        return is_unknown_speech(self.baseline)


@dataclass(frozen=True)
class Small:
    """Panels to be compared, on one scale."""

    panels: tuple[Panel, ...]
    wer_max: float
    epoch_max: int

    @property
    def lines_max(self) -> int:
        """Lines of the panel that has most."""
        return max((len(panel.lines) for panel in self.panels), default=0)


@dataclass(frozen=True)
class Change:
    """WER before and after, over the repeats of one thing."""

    speaker: str
    accent: str
    phone: str
    sub_model: RankedSubModel
    round: int
    settings: tuple[tuple[str, str], ...]
    before: Spread | None
    after: Spread | None
    kept: Spread | None
    stops: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    before_interval: WerInterval | None = None
    after_interval: WerInterval | None = None

    @property
    def unknown_speech(self) -> bool:
        """Whether the baseline does not know this speech: WER of 100 % or more before training."""
        return self.before is not None and is_unknown_speech(self.before.median)

    @property
    def difference(self) -> float | None:
        """After minus before, in percentage points of WER."""
        if self.before is None or self.after is None:
            return None
        return self.after.median - self.before.median

    @property
    def relative_percent(self) -> float | None:
        """Change in percent of the WER before."""
        if self.difference is None or self.before is None or self.before.median == 0:
            return None
        return 100 * self.difference / self.before.median


def grouped(
    attempts: Iterable[Attempt], paths: Sequence[str]
) -> list[tuple[Attempt, tuple[Attempt, ...]]]:
    """Group attempts that agree in ``paths``: (the first, all), in order of appearance.

    Groups that differ in the run alone stand beside each other.
    """
    groups: dict[tuple[str, ...], list[Attempt]] = {}
    first: dict[tuple[str, ...], int] = {}
    for attempt in attempts:
        groups.setdefault(keys_at(attempt, paths), []).append(attempt)
    without_run = [path for path in paths if path != RUN]
    alike = [keys_at(own[0], without_run) for own in groups.values()]
    for place, key in enumerate(alike):
        first.setdefault(key, place)
    ordered = sorted(zip(groups.values(), alike, strict=True), key=lambda pair: first[pair[1]])
    return [(members[0], tuple(members)) for members, _ in ordered]


def evaluated(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts that have something to show over epochs."""
    return tuple(attempt for attempt in attempts if attempt.result.epochs)


def small_multiples(attempts: Sequence[Attempt]) -> Small:
    """Return one panel a speaker, phone and setting, with one line a sub-model and round."""
    shown_ones = evaluated(attempts)
    axes = varying(shown_ones)
    panel_paths = [SPEAKER, PROFILE, *_panel_axes(axes)]
    pressure_paths = [axis.path for axis in axes if is_pressure(axis.path)]
    panels = [
        _panel(f"p{number}", first, members, panel_paths[2:], pressure_paths)
        for number, (first, members) in enumerate(grouped(shown_ones, panel_paths), 1)
    ]
    return Small(tuple(panels), *scale_of([line for panel in panels for line in panel.lines]))


def scale_of(lines: Sequence[Line]) -> tuple[float, int]:
    """Return the highest WER that lines and their intervals come to, and their last epoch."""
    points = [point for line in lines for point in line.points]
    ends = [line.kept_interval.ends for line in lines if line.kept_interval]
    highs = (*(point.wer.high for point in points), *(end[1] for end in ends if end))
    return max(highs, default=0.0), max((point.epoch for point in points), default=0)


def _panel_axes(axes: Sequence[Axis]) -> list[str]:
    serials = [axis.path for axis in axes if is_phone(axis.path) and axis.path != PROFILE]
    return [axis.path for axis in facets(axes)] + serials


def _panel(
    key: str,
    first: Attempt,
    members: tuple[Attempt, ...],
    paths: Sequence[str],
    pressure_paths: Sequence[str],
) -> Panel:
    baseline = spread(
        attempt.result.wer_before_percent for attempt in members if attempt.result.round == 1
    ) or spread(attempt.result.wer_before_percent for attempt in members)
    lines = []
    parts: dict[tuple[RankedSubModel, int, tuple[str, ...]], list[Attempt]] = {}
    for attempt in members:
        pressed = keys_at(attempt, pressure_paths)
        parts.setdefault((attempt.sub_model, attempt.result.round, pressed), []).append(attempt)
    for part in sorted(parts, key=lambda part: part[:2]):
        alike = [other for other in parts if other[:2] == part[:2]]
        note = ""
        if len(alike) > 1:
            note = ", ".join(shown(value_at(parts[part][0], path)) for path in pressure_paths)
        lines.append(line_of(parts[part], note))
    return Panel(
        key=key,
        speaker=first.result.speaker,
        accent=first.result.accent,
        phone=first.result.phone.profile,
        settings=settings_at(first, paths),
        lines=tuple(lines),
        baseline=baseline.median if baseline else None,
        attempts=members,
    )


def line_of(members: Sequence[Attempt], note: str = "") -> Line:
    """Return the WER of some attempts by epoch: the median over them, and its range."""
    by_epoch: dict[int, list[float]] = {}
    for attempt in members:
        for epoch in attempt.result.epochs:
            by_epoch.setdefault(epoch.epoch, []).append(epoch.wer_percent)
    points = []
    for number in sorted(by_epoch):
        wer = spread(by_epoch[number])
        if wer is not None:
            points.append(Point(number, wer))
    kept_epochs = [
        attempt.result.kept_epoch for attempt in members if attempt.result.kept_epoch is not None
    ]
    commonest = max(sorted(set(kept_epochs)), key=kept_epochs.count) if kept_epochs else None
    return Line(
        sub_model=members[0].sub_model,
        round=members[0].result.round,
        points=tuple(points),
        kept=next((point for point in points if point.epoch == commonest), None),
        note=note,
        kept_interval=interval_after(
            attempt for attempt in members if attempt.result.kept_epoch == commonest
        ),
    )


def changes(attempts: Sequence[Attempt]) -> tuple[Change, ...]:
    """Return WER before and after by speaker, phone, setting, sub-model and round."""
    finished = [attempt for attempt in attempts if attempt.finished]
    axes = varying(finished)
    paths = _panel_axes(axes)
    rows = []
    for first, members in grouped(finished, [SPEAKER, PROFILE, *paths]):
        parts: dict[tuple[RankedSubModel, int], list[Attempt]] = {}
        for attempt in members:
            parts.setdefault((attempt.sub_model, attempt.result.round), []).append(attempt)
        rows += [_change(first, parts[key], paths) for key in sorted(parts)]
    return tuple(rows)


def _change(first: Attempt, part: Sequence[Attempt], paths: Sequence[str]) -> Change:
    results = [attempt.result for attempt in part]
    return Change(
        speaker=first.result.speaker,
        accent=first.result.accent,
        phone=first.result.phone.profile,
        sub_model=part[0].sub_model,
        round=results[0].round,
        settings=settings_at(first, paths),
        before=spread(result.wer_before_percent for result in results),
        after=spread(result.wer_after_percent for result in results),
        kept=spread(result.kept_epoch for result in results),
        stops=tuple(sorted({result.stop_reason for result in results if result.stop_reason})),
        attempts=tuple(part),
        before_interval=interval_before(part),
        after_interval=interval_after(part),
    )
