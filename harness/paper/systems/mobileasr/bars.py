"""Bars before and after, one pair a speaker (Figure 3)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.figures.plot import BASELINE, Plot, steps
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.text import one_line

WIDTH, HEIGHT = 640.0, 280.0


def bars(pairs: Sequence[tuple[str, float, float]], name: str, title: str) -> Drawn:
    """Draw WER before (hollow) and after (filled) training.

    Args:
        pairs: Speaker, before, after (%).
        name: Prefix of ids.
        title: For those who listen.
    """
    sheet = Sheet(WIDTH, HEIGHT)
    ticks = steps(0, max((max(pair[1:]) for pair in pairs), default=1.0) or 1.0, 4)
    box = (34.0, 26.0, WIDTH - 96, HEIGHT - 36)
    plot = Plot(sheet, box, (-0.5, len(pairs) - 0.5), (0, ticks[-1]))
    plot.y_axis(ticks, "WER, %")
    half = min(0.34 * (plot.right - plot.left) / max(len(pairs), 1), 30.0)
    for place, (_, before, after) in enumerate(pairs):
        middle = plot.x(place)
        for left, right, value, role in (
            (middle - half, middle - 1, before, "rule"),
            (middle + 1, middle + half, after, "s5"),
        ):
            top = plot.y(value)
            corners = [(left, plot.bottom), (left, top), (right, top), (right, plot.bottom)]
            sheet.area([corners], role)
            sheet.text(
                (left + right) / 2, top - 4, fixed(value, 1), "soft", anchor="center", size=10
            )
    plot.rule(0, "rule", dash=None, width=0.8)
    names = [one_line(speaker, 14) for speaker, _, _ in pairs]
    for place, text in enumerate(names):
        sheet.text(plot.x(place), plot.bottom + 16, text, "soft", anchor="center")
    for row, (role, text) in enumerate((("rule", "before"), ("s5", "after"))):
        y = plot.top + 12 + 18 * row
        left = plot.right + 14
        sheet.area([[(left, y - 9), (left + 12, y - 9), (left + 12, y + 1), (left, y + 1)]], role)
        sheet.text(left + 18, y - 4 + BASELINE, text)
    description = "; ".join(f"{who} {fixed(a, 1)} to {fixed(b, 1)} %" for who, a, b in pairs)
    return sheet.svg(name, title, f"WER before and after training: {description}.")
