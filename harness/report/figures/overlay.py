"""WER against epochs of the same jobs in several runs: one line a run."""

from __future__ import annotations

from harness.report.figures.plot import EndLabel, Plot, integer_ticks, steps, text_px
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.figures.wer import draw_line, end_text
from harness.report.numbers import fixed
from harness.report.overlay import Overlay, Overlays, RunLine
from harness.report.text import one_line
from harness.report.wer import interval_text

WIDTH, HEIGHT = 380.0, 230.0
"""Higher where there are more runs than their labels have room."""


def overlay_chart(chart: Overlay, every: Overlays) -> Drawn:
    """Draw one chart of those that are to be compared, on their common scale."""
    sheet = Sheet(WIDTH, max(HEIGHT, 58 + Plot.height_for(len(chart.lines))))
    texts = [_text(own) for own in chart.lines]
    right = WIDTH - 28 - max(map(text_px, texts))
    last = max(every.epoch_max, 1)
    ticks = steps(0, max(every.wer_max, 1), 4)
    box = (26.0, 24.0, right, sheet.height - 34)
    plot = Plot(sheet, box, (-0.04 * last, 1.04 * last), (0, ticks[-1]))
    plot.y_axis(ticks, "WER, %")
    epochs = integer_ticks(last, right - 26)
    plot.x_axis(epochs, [str(epoch) for epoch in epochs], "epoch")
    ends = []
    for own, text in zip(chart.lines, texts, strict=True):
        sheet.run = own.number
        draw_line(plot, own.line, own.look.role, own.look.marker)
        value = own.line.points[-1].wer.median
        ends.append(EndLabel(value, text, own.look.role, own.look.marker, run=own.number))
    sheet.run = 0
    plot.label_ends(ends)
    title = f"WER against epochs: {one_line(chart.speaker)} on {one_line(chart.phone)}"
    return sheet.svg(f"wer-{chart.key}", title, " ".join(map(_describe, chart.lines)))


def _text(own: RunLine) -> str:
    return f"run {own.number}{end_text(own.line)}"


def _describe(own: RunLine) -> str:
    first, last = own.line.points[0], own.line.points[-1]
    sentence = (
        f"Run {own.number}: from {fixed(first.wer.median, 1)} % at epoch {first.epoch} to "
        f"{fixed(last.wer.median, 1)} % at epoch {last.epoch}"
    )
    kept = own.line.kept
    if kept is not None:
        sentence += f", kept epoch {kept.epoch} with {fixed(kept.wer.median, 1)} %"
        sure = interval_text(own.line.kept_interval)
        sentence += f" (95 % interval {sure} %)" if sure else ""
    return f"{sentence}."
