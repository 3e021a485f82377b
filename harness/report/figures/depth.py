"""WER against the layers that were computed: by exit, and by rule of leaving early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.figures.plot import EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.sheet import DASHED, Dash, Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.text import one_line

WIDTH, HEIGHT = 430.0, 240.0
LONGEST = 26
"""Characters of a label."""


@dataclass(frozen=True)
class DepthLine:
    """A line, or a single point.

    Attributes:
        label: At its end.
        points: (depth, WER in %), from the shallowest.
        role: Colour.
        marker: Shape of its points.
        dash: Of the line.
        between: Least and most of each point, where known.
        level: A rule across goes through its point.
    """

    label: str
    points: tuple[tuple[float, float], ...]
    role: str
    marker: str = "o"
    dash: Dash = None
    between: tuple[tuple[float, float] | None, ...] = ()
    level: bool = False


DASHES: tuple[Dash, ...] = (None, DASHED)


def over_depth(
    lines: Sequence[DepthLine],
    name: str,
    title: str,
    ticks: Sequence[float],
    width: float = WIDTH,
) -> Drawn:
    """Draw WER against depth.

    Args:
        lines: At least one, each with a point.
        name: Prefix of ids.
        title: For those who listen.
        ticks: Depths of the exits.
        width: Of the figure, pixels; what is wider than 400 is too small to read on a phone.
    """
    labels = [one_line(line.label, LONGEST) for line in lines]
    height = max(HEIGHT, 70 + Plot.height_for(len(lines)))
    sheet = Sheet(width, height)
    tops = [wer for line in lines for _, wer in line.points]
    tops += [high for line in lines for pair in line.between if pair for high in pair]
    scale = steps(0, max(tops) or 1.0, 5)
    left = 10 + 6.4 * max(len(tick_text(tick, scale)) for tick in scale)
    right = width - max(46.0, 30 + max(map(text_px, labels)))
    room = (ticks[-1] - ticks[0]) * 0.05 or 0.5
    box = (left, 24.0, right, height - 36)
    plot = Plot(sheet, box, (ticks[0] - room, ticks[-1] + room), (0, scale[-1]))
    plot.y_axis(scale, "WER, %")
    plot.x_axis(list(ticks), [f"{tick:g}" for tick in ticks], "Layers computed, mean")
    for line in lines:
        xs = plot.xs([depth for depth, _ in line.points])
        ys = plot.ys([wer for _, wer in line.points])
        for x, pair in zip(xs, line.between, strict=False):
            if pair is not None:
                low, high = plot.y(pair[0]), plot.y(pair[1])
                sheet.line([x, x], [low, high], line.role, width=1.0, alpha=0.6)
        if len(line.points) > 1:
            sheet.line(xs, ys, line.role, width=1.6, dash=line.dash)
        if line.level:
            plot.rule(line.points[0][1], line.role, width=0.8)
        sheet.marks(xs, ys, line.role, line.marker, size=6.5, halo=1)
    plot.label_ends(
        [
            EndLabel(
                line.points[-1][1], label, line.role, line.marker, line.dash,
                line=len(line.points) > 1,
            )
            for line, label in zip(lines, labels, strict=True)
        ]
    )  # fmt: skip
    said = (
        f"{line.label}: "
        + ", ".join(f"{fixed(wer, 1)} % at layer {fixed(at, 1)}" for at, wer in line.points)
        for line in lines
    )
    return sheet.svg(name, title, "; ".join(said) + ".")
