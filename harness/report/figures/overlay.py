"""WER against epochs of the same jobs in several runs: one line a run."""

from __future__ import annotations

from harness.report.figures.plot import EndLabel, Plot, text_px
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.figures.wer import described, draw_line, end_text, wer_plot
from harness.report.overlay import Overlay, Overlays, RunLine
from harness.report.text import one_line

WIDTH, HEIGHT = 380.0, 230.0
"""Higher where there are more runs than their labels have room."""


def overlay_chart(chart: Overlay, every: Overlays) -> Drawn:
    """Draw one chart of those that are to be compared, on their common scale."""
    sheet = Sheet(WIDTH, max(HEIGHT, 58 + Plot.height_for(len(chart.lines))))
    texts = [_text(own) for own in chart.lines]
    right = WIDTH - 28 - max(map(text_px, texts))
    plot = wer_plot(sheet, right, every.wer_max, every.epoch_max)
    ends = []
    for own, text in zip(chart.lines, texts, strict=True):
        sheet.run = own.number
        draw_line(plot, own.line, own.look.role, own.look.marker)
        value = own.line.points[-1].wer.median
        ends.append(EndLabel(value, text, own.look.role, own.look.marker, run=own.number))
    sheet.run = 0
    plot.label_ends(ends)
    title = f"WER against epochs: {one_line(chart.speaker)} on {one_line(chart.phone)}"
    desc = " ".join(described(own.line, f"Run {own.number}") for own in chart.lines)
    return sheet.svg(f"wer-{chart.key}", title, desc)


def _text(own: RunLine) -> str:
    return f"run {own.number}{end_text(own.line)}"
