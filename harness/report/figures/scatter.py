"""Points by two figures, each with its name: what a means costs, and what it comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.figures.plot import BASELINE, EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import digits_for, fixed
from harness.report.style import MARKERS
from harness.report.text import one_line

WIDTH, HEIGHT = 620.0, 300.0
LONGEST = 44
"""Characters of a label."""
APART = (16.0, 14.0)
"""Across and up: numbers of points that are nearer would cover each other; the first has one."""
ROLES = ("s0", "s4", "s6", "s2", "s1", "s5", "s3", "s7")


@dataclass(frozen=True)
class Point:
    """One means.

    Attributes:
        label: Its name.
        x: Cost.
        y: Result.
        between: Least and most of y, where known.
        kind: Points of a kind have one colour.
    """

    label: str
    x: float
    y: float
    between: tuple[float, float] | None = None
    kind: str = ""


def scatter(points: Sequence[Point], name: str, title: str, x_label: str, y_label: str) -> Drawn:
    """Draw points; each has its number at its place, where there is room, and its name beside.

    Args:
        points: At least one.
        name: Prefix of ids.
        title: For those who listen.
        x_label: What stands across, with its unit.
        y_label: What stands up, with its unit.
    """
    labels = [f"{n} {one_line(point.label, LONGEST)}" for n, point in enumerate(points, 1)]
    height = max(HEIGHT, 80 + Plot.height_for(len(points)))
    sheet = Sheet(WIDTH, height)
    tops = [top for p in points for top in (p.y, p.between[1] if p.between else p.y)]
    ups = steps(0, max(tops) or 1.0, 5)
    across = steps(0, max(point.x for point in points) or 1.0, 5)
    left = 10 + 6.4 * max(len(tick_text(tick, ups)) for tick in ups)
    right = WIDTH - 26 - max(map(text_px, labels))
    plot = Plot(sheet, (left, 24, right, height - 36), (0, across[-1]), (0, ups[-1]))
    plot.y_axis(ups, y_label)
    plot.x_axis(across, [tick_text(tick, across) for tick in across], x_label)
    kinds = list(dict.fromkeys(point.kind for point in points))
    looks = [
        (ROLES[kinds.index(p.kind) % len(ROLES)], MARKERS[kinds.index(p.kind) % len(MARKERS)])
        for p in points
    ]
    numbered: list[tuple[float, float]] = []
    for number, (point, (role, marker)) in enumerate(zip(points, looks, strict=True), 1):
        x, y = plot.x(point.x), plot.y(point.y)
        if point.between is not None:
            ends = [plot.y(end) for end in point.between]
            sheet.line([x, x, math.nan], [*ends, math.nan], role, width=1.0, alpha=0.5)
        sheet.marks([x], [y], role, marker, size=7, halo=1)
        if all(abs(x - x_) > APART[0] or abs(y - y_) > APART[1] for x_, y_ in numbered):
            sheet.text(x + 6, y + BASELINE, str(number), "soft")
            numbered.append((x, y))
    plot.label_ends(
        [
            EndLabel(point.y, label, role, marker, line=False)
            for point, label, (role, marker) in zip(points, labels, looks, strict=True)
        ]
    )
    digits = digits_for(point.x for point in points)
    told = "; ".join(f"{p.label}: {fixed(p.x, digits)}, {fixed(p.y, 1)}" for p in points)
    return sheet.svg(name, title, f"{x_label} and {y_label}: {told}.")
