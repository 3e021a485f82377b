"""Means to train with less: WER against bytes a round, and against memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.report.figures.scatter import Point, scatter
from harness.report.figures.sheet import Drawn
from harness.report.means import Means, side_by_side
from harness.report.numbers import MIB
from harness.report.page_data import PageData
from harness.report.section import Section
from harness.results.wer_interval import METHOD


def _mebibytes(means: Means) -> float | None:
    return None if means.bytes is None else means.bytes / MIB


def _peak(means: Means) -> float | None:
    return means.peak_mb


_COSTS: tuple[tuple[str, str, str, Callable[[Means], float | None], int], ...] = (
    ("bytes", "bytes a client and round", "MiB a client and round, both ways", _mebibytes, 2),
    ("memory", "memory", "Peak RSS of a trainer, MiB", _peak, 0),
)
"""(key, what, with its unit, how it is read, decimals)"""


def _view(page: PageData) -> Mapping[str, Any] | None:
    beside = side_by_side(page.runs)
    if beside is None:
        return None
    charts = [
        (what, digits, drawn, beside.least(cost), cost)
        for key, what, unit, cost, digits in _COSTS
        if (drawn := _drawn(beside.means, key, what, unit, cost)) is not None
    ]
    if not charts:
        return None
    return {"beside": beside, "charts": charts, "mebibytes": _mebibytes, "interval_method": METHOD}


def _drawn(
    means: Sequence[Means], key: str, what: str, unit: str, cost: Callable[[Means], float | None]
) -> Drawn | None:
    """Return the figure; None unless two means take of it in different ways."""
    points = [
        Point(own.name, of, own.wer_percent, own.ends, own.kind)
        for own in means
        if (of := cost(own)) is not None
    ]
    if len({point.x for point in points}) < 2:
        return None
    return scatter(points, f"means-{key}", f"WER against {what}", unit, "WER, %")


SECTION = Section(key="means", title="Which means buys most?", link="Means", place=75, view=_view)
