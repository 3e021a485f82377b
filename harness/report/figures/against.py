"""A metric against a setting: medians joined, the range of repeats as a thin bar."""

from __future__ import annotations

import math
from itertools import chain

from harness.report.axes import Axis, Value, shown
from harness.report.figures.plot import CHARACTER_PX, EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import digits_for, fixed
from harness.report.settings import Against
from harness.report.text import one_line

WIDTH, HEIGHT = 310.0, 210.0
"""Higher where there are more sub-models than their labels have room."""
LONGEST = 14
"""Characters of a sub-model's name that are written."""
LOG_FROM = 20.0
"""Settings that span more than this factor stand on a logarithmic axis."""


def against(view: Against, key: str) -> Drawn:
    """Draw one metric against one setting."""
    height = max(HEIGHT, 58 + Plot.height_for(len(view.series)))
    sheet = Sheet(WIDTH, height)
    names = {line.sub_model: one_line(line.sub_model.label, LONGEST) for line in view.series}
    right = WIDTH - max(46.0, 30 + max(map(text_px, names.values())))
    places = _places(view.axis)
    low, high = min(places.values()), max(places.values())
    room = (high - low) * (0.06 if view.axis.numeric else 0.25) or 0.5
    ticks = steps(0, max(point.high for line in view.series for _, point in line.points), 4)
    left = 10 + 6.4 * max(len(tick_text(tick, ticks)) for tick in ticks)
    plot = Plot(sheet, (left, 24, right, height - 34), (low - room, high + room), (0, ticks[-1]))
    plot.y_axis(ticks, f"{view.label}, {view.unit}")
    each = int((right - left) / CHARACTER_PX / len(places)) - 1
    below = [one_line(name, max(2, each)) for name in places]
    plot.x_axis(list(places.values()), below, one_line(view.axis.label, 44))
    ends = []
    for series in view.series:
        role, marker = series.sub_model.role, series.sub_model.marker
        xs = plot.xs([places[shown(value)] for value, _ in series.points])
        ys = plot.ys([point.median for _, point in series.points])
        ranges = [(plot.y(point.low), plot.y(point.high), math.nan) for _, point in series.points]
        bars = [(x, x, math.nan) for x in xs.tolist()]
        sheet.line(list(chain(*bars)), list(chain(*ranges)), role, width=1.2)
        if view.axis.numeric:
            sheet.line(xs, ys, role, width=1.8)
        sheet.marks(xs, ys, role, marker, size=6.5)
        ends.append(
            EndLabel(
                series.points[-1][1].median,
                names[series.sub_model],
                role,
                marker,
                line=view.axis.numeric,
            )
        )
    plot.label_ends(ends)
    title = f"{view.label} against {one_line(view.axis.label)}"
    return sheet.svg(f"against-{key}", title, _describe(view))


def _places(axis: Axis) -> dict[str, float]:
    """Return where each value stands: to scale if it has one, else side by side."""
    if not axis.numeric:
        return {shown(value): float(number) for number, value in enumerate(axis.values)}
    if min(axis.values) > 0 and max(axis.values) / min(axis.values) >= LOG_FROM:
        return {shown(value): math.log10(value) for value in axis.values}
    return {shown(value): float(value) for value in axis.values}


def _describe(view: Against) -> str:
    digits = digits_for(point.median for series in view.series for _, point in series.points)

    def one(value: Value, median: float) -> str:
        return f"{shown(value)}: {fixed(median, digits)}"

    return " ".join(
        f"{series.sub_model.name or 'No sub-model'}: "
        + ", ".join(one(value, point.median) for value, point in series.points)
        + f" {view.unit}."
        for series in view.series
    )
