"""Predicted need of memory against what training really took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.report.cost import Need
from harness.report.figures.plot import (
    BASELINE,
    LABEL_PX,
    Plot,
    steps,
    text_px,
    tick_text,
)
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.style import FONT_PX
from harness.report.sub_models import RankedSubModel
from harness.report.text import one_line

WIDTH, HEIGHT = 400.0, 404.0
LONGEST = 12
"""Characters of a name that are written."""


def need_scatter(needs: Sequence[Need], key: str) -> Drawn:
    """Draw one mark an attempt; on the diagonal the prediction was right."""
    sheet = Sheet(WIDTH, HEIGHT)
    high = max(max(need.predicted_mb, need.measured_mb) for need in needs) * 1.04
    ticks = steps(0, high, 5)
    top = ticks[-1]
    box = (40, 24, WIDTH - 20, HEIGHT - 40)
    plot = Plot(sheet, box, (0, top), (0, top))
    plot.y_axis(ticks, "measured: peak above the trainer’s base, MB")
    plot.x_axis(ticks, [tick_text(tick, ticks) for tick in ticks], "predicted need, MB")
    sheet.line([plot.left, plot.right], [plot.bottom, plot.top], "rule", width=1.2)
    sheet.text(plot.x(top * 0.93) - 8, plot.y(top * 0.93), "as predicted", "soft", anchor="right")
    names = []
    for sub_model in sorted({need.attempt.sub_model for need in needs}):
        own = [need for need in needs if need.attempt.sub_model == sub_model]
        sheet.marks(
            plot.xs([need.predicted_mb for need in own]),
            plot.ys([need.measured_mb for need in own]),
            sub_model.role,
            sub_model.marker,
            size=8,
            halo=1,
        )
        lowest = min(own, key=lambda need: need.measured_mb)
        x = min(plot.x(lowest.predicted_mb) + 8, WIDTH - _width(sub_model))
        names.append(_Name(x, plot.y(lowest.measured_mb) + 13, sub_model))
    _write(plot, names)
    return sheet.svg(f"need-{key}", "Predicted against measured need", _describe(needs))


@dataclass(frozen=True)
class _Name:
    """Where a sub-model's name would stand beside its lowest mark."""

    x: float
    y: float
    sub_model: RankedSubModel

    def touches(self, other: _Name) -> bool:
        beside = self.x < other.x + _width(other.sub_model) and other.x < self.x + _width(
            self.sub_model
        )
        return beside and abs(self.y - other.y) < FONT_PX


def _write(plot: Plot, names: Sequence[_Name]) -> None:
    """Write names beside their marks if all have room there, else in a column to the right."""
    if not any(name.touches(other_name) for name, other_name in combinations(names, 2)):
        for name in names:
            plot.sheet.text(name.x, name.y, one_line(name.sub_model.label, LONGEST))
        return
    left = plot.right + 16
    for number, name in enumerate(names):
        y = plot.top + LABEL_PX * number
        plot.sheet.marks([left], [y], name.sub_model.role, name.sub_model.marker, size=8)
        plot.sheet.text(left + 9, y + BASELINE, one_line(name.sub_model.label, LONGEST))
    plot.sheet.width = left + 15 + max(_width(name.sub_model) for name in names)
    plot.sheet.height = max(HEIGHT, plot.top + LABEL_PX * len(names))


def _width(sub_model: RankedSubModel) -> float:
    return text_px(one_line(sub_model.label, LONGEST))


def _describe(needs: Sequence[Need]) -> str:
    ratios = sorted(need.measured_mb / need.predicted_mb for need in needs if need.predicted_mb > 0)
    if not ratios:
        return f"{len(needs)} attempts."
    return (
        f"{len(needs)} attempts; measured over predicted from {fixed(ratios[0], 2)} "
        f"to {fixed(ratios[-1], 2)}."
    )
