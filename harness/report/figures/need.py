"""Predicted need of memory against what training really took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.cost import Need
from harness.report.figures.plot import CHARACTER_PX, Plot, steps, tick_text
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
    high = max(max(one.predicted_mb, one.measured_mb) for one in needs) * 1.04
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
        names.append((plot.x(lowest.predicted_mb) + 8, plot.y(lowest.measured_mb) + 13, sub_model))
    for x, y, sub_model in _apart(names):
        sheet.text(min(x, WIDTH - _width(sub_model)), y, one_line(sub_model.label, LONGEST))
    return sheet.svg(f"need-{key}", "Predicted against measured need", _describe(needs))


def _apart(
    names: Iterable[tuple[float, float, RankedSubModel]],
) -> list[tuple[float, float, RankedSubModel]]:
    """Move names up, the lowest last, until none stands on another."""
    placed: list[tuple[float, float, RankedSubModel]] = []
    for x, wanted, sub_model in sorted(names, key=lambda name: -name[1]):
        y = wanted
        for left, taken, other in sorted(placed, key=lambda name: -name[1]):
            beside = x < left + _width(other) and left < x + _width(sub_model)
            if beside and abs(y - taken) < FONT_PX:
                y = taken - FONT_PX
        placed.append((x, y, sub_model))
    return placed


def _width(sub_model: RankedSubModel) -> float:
    return CHARACTER_PX * len(one_line(sub_model.label, LONGEST))


def _describe(needs: Sequence[Need]) -> str:
    ratios = sorted(one.measured_mb / one.predicted_mb for one in needs if one.predicted_mb > 0)
    if not ratios:
        return f"{len(needs)} attempts."
    return (
        f"{len(needs)} attempts; measured over predicted from {fixed(ratios[0], 2)} "
        f"to {fixed(ratios[-1], 2)}."
    )
