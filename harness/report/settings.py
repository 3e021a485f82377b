"""WER, time and memory against the settings that a matrix varies (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.axes import RUN, Axis, Value, facets, is_number, value_at, varying
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread
from harness.report.sub_models import RankedSubModel

FLAT = 0.03
"""Medians that differ by less than this share of the largest are called the same."""
METRICS = (
    ("wer_after_percent", "WER after", "%"),
    ("minutes_per_epoch", "time an epoch", "min"),
    ("peak_rss_mb", "peak RSS", "MB"),
)


@dataclass(frozen=True)
class Series:
    """One sub-model's figure against a setting."""

    sub_model: RankedSubModel
    points: tuple[tuple[Value, Spread], ...]


@dataclass(frozen=True)
class Against:
    """One metric against one setting."""

    axis: Axis
    metric: str
    label: str
    unit: str
    series: tuple[Series, ...]

    @property
    def comparable(self) -> bool:
        """Whether any sub-model has more than one value of the setting."""
        return any(len(line.points) > 1 for line in self.series)

    @property
    def flat(self) -> bool:
        """Whether the setting makes no difference to speak of."""
        for line in self.series:
            medians = [point.median for _, point in line.points]
            if max(medians) - min(medians) > FLAT * max(abs(median) for median in medians):
                return False
        return True


@dataclass(frozen=True)
class Row:
    """All metrics against one setting."""

    axis: Axis
    drawn: tuple[Against, ...]
    flat: tuple[Against, ...]
    """Metrics that the setting does not change; said in words."""


def against_settings(attempts: Sequence[Attempt]) -> tuple[Row, ...]:
    """Return WER, time an epoch and peak RSS against each setting that varies.

    A metric that no attempt has, or has for one value only, is left out.
    """
    finished = [attempt for attempt in attempts if attempt.finished]
    rows = []
    for axis in facets(varying(finished)):
        if axis.path == RUN:
            continue  # no setting: runs stand in charts of their own
        views = [_against(axis, *metric, finished) for metric in METRICS]
        views = [against for against in views if against.comparable]
        if views:
            flat = tuple(
                against
                for against in views
                if against.flat and against.metric != "wer_after_percent"
            )
            rows.append(Row(axis, tuple(against for against in views if against not in flat), flat))
    return tuple(rows)


def _against(
    axis: Axis, metric: str, label: str, unit: str, attempts: Sequence[Attempt]
) -> Against:
    sub_models = sorted({attempt.sub_model for attempt in attempts})
    series = []
    for sub_model in sub_models:
        points: list[tuple[Value, Spread]] = []
        for value in axis.values:
            figure = spread(
                getattr(attempt.result, metric)
                for attempt in attempts
                if attempt.sub_model == sub_model and _same(value_at(attempt, axis.path), value)
            )
            if figure is not None:
                points.append((value, figure))
        if points:
            series.append(Series(sub_model, tuple(points)))
    return Against(axis, metric, label, unit, tuple(series))


def _same(left: Value, right: Value) -> bool:
    if is_number(left) and is_number(right):
        return left == right
    return bool(left == right and type(left) is type(right))
