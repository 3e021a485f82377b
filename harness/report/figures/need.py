"""Predicted need of memory against what training really took."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.cost import Need
from harness.report.figures.plot import Plot, steps, tick_text
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.outcome import sub_model_rank
from harness.report.style import marker_of, role_of

WIDTH, HEIGHT = 400.0, 404.0


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
    for name in sorted({one.attempt.sub_model for one in needs}, key=sub_model_rank):
        own = [one for one in needs if one.attempt.sub_model == name]
        sheet.marks(
            plot.xs([one.predicted_mb for one in own]),
            plot.ys([one.measured_mb for one in own]),
            role_of(name),
            marker_of(name),
            size=8,
            halo=1,
        )
        lowest = min(own, key=lambda one: one.measured_mb)
        x, y = plot.x(lowest.predicted_mb), plot.y(lowest.measured_mb)
        sheet.text(x + 8, y + 13, name or "none")
    return sheet.svg(f"need-{key}", "Predicted against measured need", _describe(needs))


def _describe(needs: Sequence[Need]) -> str:
    ratios = sorted(one.measured_mb / one.predicted_mb for one in needs if one.predicted_mb > 0)
    if not ratios:
        return f"{len(needs)} attempts."
    return (
        f"{len(needs)} attempts; measured over predicted from {fixed(ratios[0], 2)} "
        f"to {fixed(ratios[-1], 2)}."
    )
