"""What the strip of an attempt shows: its rows and their lines, where there is something to say."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.report.cost import Timeline, Trace
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
    trainer = [Line(view.rss, own, f"trainer RSS, peak {_most(view.rss)}")]
    if not brief:
        trainer.append(Line(view.pss, own, f"trainer PSS, peak {_most(view.pss)}", "dots"))
    least = _least_in_training(view)
    free = [Line(view.available, "phone", f"available, least {least}")]
    if view.pressure is not None and view.rss.known and not brief:
        free.append(Line(view.to_trainer, "soft", "available + own", "dotted"))
    if _two_scales(view):
        memory = [
            Row(62, "trainer’s memory, MB", trainer),
            Row(62, "available RAM, MB", free, goal=True),
        ]
    else:
        memory = [Row(120, "memory, MB", [*trainer, *free], goal=True)]
    hottest = f"{view.temperature_source}, most {_most(view.temperature, 1)}"
    rows = [
        Row(
            84,
            "CPU, %",
            [
                Line(view.cpu_core, own, f"trainer, one core, mean {_mean(view.cpu_core)}"),
                Line(view.cpu_phone, "phone", f"whole phone, mean {_mean(view.cpu_phone)}"),
            ],
        ),
        *memory,
        Row(
            34,
            "battery, %",
            [Line(view.battery, "phone", f"charge, last {_last(view.battery)}", "steps")],
            from_zero=False,
        ),
        Row(
            34,
            "temperature, °C",
            [Line(view.temperature, "phone", one_line(hottest, 26))],
            from_zero=False,
        ),
    ]
    for row in rows:
        row.lines[:] = [line for line in row.lines if line.trace.known]
    return [row for row in rows if row.lines]


def _two_scales(view: Timeline) -> bool:
    if not view.rss.known or view.available_in_training is None:
        return False
    return view.available_in_training > TWO_SCALES_FROM * float(np.nanmax(view.rss.value))


def _most(trace: Trace, digits: int = 0) -> str:
    return fixed(float(np.nanmax(trace.value)), digits) if trace.known else ""


def _last(trace: Trace) -> str:
    return fixed(float(trace.value[np.isfinite(trace.value)][-1])) if trace.known else ""


def _mean(trace: Trace) -> str:
    return fixed(float(np.nanmean(trace.value))) if trace.known else ""


def training(view: Timeline, trace: Trace) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a trace's values while the trainer was in a phase (all, where there is no phase)."""
    if not view.phases:
        return trace.value
    begin, end = view.phases[0].begin_s, view.phases[-1].end_s
    inside = trace.value[(trace.t_s >= begin) & (trace.t_s <= end)]
    return inside if np.isfinite(inside).any() else trace.value


def _least_in_training(view: Timeline) -> str:
    if not view.available.known:
        return ""
    return fixed(float(np.nanmin(training(view, view.available))))
