"""What the strip of an attempt shows: its rows and their lines, where there is something to say."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.readings.axes import MEMORY
from harness.report.cost import Charted, Timeline, Trace
from harness.report.numbers import fixed
from harness.report.text import one_line

TWO_SCALES_FROM = 5.0
"""From this factor between available RAM and the trainer's own, each gets a scale."""


@dataclass(frozen=True)
class Line:
    """One line of a plot."""

    trace: Trace
    role: str
    label: str
    look: str = "line"
    """``line``, ``dots`` (sparse values), ``dotted`` or ``steps`` (whole numbers)."""


@dataclass(frozen=True)
class Row:
    """One plot of the strip."""

    height: float
    label: str
    lines: list[Line] = field(default_factory=list)
    goal: bool = False
    """The pressure's goal belongs here."""
    from_zero: bool = True


def rows_of(view: Timeline, own: str, *, brief: bool) -> list[Row]:
    """Return the strip's plots from top to bottom; lines without a value are left out.

    Args:
        view: What was sampled.
        own: Role of the trainer's lines: its sub-model's colour.
        brief: Without PSS and "available + own".
    """
    rows: list[Row] = []
    for axis in sorted(
        {charted.chart.axis for charted in view.charted}, key=lambda axis: axis.place
    ):
        drawn = [
            charted
            for charted in view.charted
            if charted.chart.axis == axis
            and charted.trace.known
            and (charted.chart.brief or not brief)
        ]
        trainer = [_line(view, charted, own) for charted in drawn if charted.chart.trainer]
        phone = [_line(view, charted, "phone") for charted in drawn if not charted.chart.trainer]
        if axis == MEMORY:
            rows += _memory(view, trainer, phone, brief=brief)
        else:
            lines = [*trainer, *phone]
            rows.append(Row(axis.height, axis.label, lines, from_zero=axis.from_zero))
    return [row for row in rows if row.lines]


def _memory(view: Timeline, trainer: list[Line], phone: list[Line], *, brief: bool) -> list[Row]:
    """Return the plots of memory: with the pressure's goal, and with two scales where needed."""
    if view.pressure is not None and view.rss.known and view.to_trainer.known and not brief:
        phone.append(Line(view.to_trainer, "soft", "available + own", "dotted"))
    if _two_scales(view):
        return [
            Row(62, "trainer’s memory, MB", trainer),
            Row(62, "available RAM, MB", phone, goal=True),
        ]
    return [Row(MEMORY.height, MEMORY.label, [*trainer, *phone], goal=True)]


def _line(view: Timeline, charted: Charted, role: str) -> Line:
    chart = charted.chart
    label = f"{chart.label}, {chart.figure} {_figure(view, charted)}"
    return Line(charted.trace, role, one_line(label, 32), chart.look)


def _figure(view: Timeline, charted: Charted) -> str:
    """Return what is written beside a line."""
    known = charted.trace.value[np.isfinite(charted.trace.value)]
    value = known.max()
    if charted.chart.figure == "last":
        value = known[-1]
    elif charted.chart.figure == "least":
        value = np.nanmin(training(view, charted.trace))
    elif charted.chart.figure == "mean":
        value = known.mean()
    return fixed(float(value), charted.chart.digits)


def _two_scales(view: Timeline) -> bool:
    if not view.rss.known or view.available_in_training is None:
        return False
    return view.available_in_training > TWO_SCALES_FROM * float(np.nanmax(view.rss.value))


def training(view: Timeline, trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a trace's values while the trainer was in a phase (all, where there is no phase)."""
    if not view.phases:
        return trace.value
    begin, end = view.phases[0].begin_s, view.phases[-1].end_s
    inside = trace.value[(trace.t_s >= begin) & (trace.t_s <= end)]
    return inside if np.isfinite(inside).any() else trace.value
