"""WER against epochs for one speaker: one line a sub-model, the kept epoch starred."""

from __future__ import annotations

from harness.report.figures.plot import EndLabel, Plot, integer_ticks, steps, text_px
from harness.report.figures.sheet import DASHED, Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.outcome import Line, Panel, Small
from harness.report.text import one_line
from harness.report.wer import NOTHING_HEARD, NOTHING_HEARD_PERCENT, interval_text

WIDTH, HEIGHT = 310.0, 214.0
"""Higher where there are more lines than their labels have room."""
LONGEST = 20
"""Characters of a line's label."""
MANY_EPOCHS = 20
"""With more epochs than this the line carries no marks."""


def wer_panel(panel: Panel, small: Small) -> Drawn:
    """Draw one panel of those that are to be compared, on their common scale."""
    sheet = Sheet(WIDTH, max(HEIGHT, 58 + Plot.height_for(small.lines_max)))
    labels = [_end_text(line) for line in panel.lines]
    beside = [*labels, NOTHING_HEARD] if panel.unknown_speech else labels
    longest = max((text_px(text[:LONGEST]) for text in beside), default=0.0)
    plot = wer_plot(sheet, WIDTH - 28 - longest, small.wer_max, small.epoch_max)
    if panel.baseline is not None:
        plot.rule(panel.baseline, "rule")
    if panel.unknown_speech:
        plot.rule(NOTHING_HEARD_PERCENT, "bad", dash=None)
    ends = []
    if panel.unknown_speech:
        ends.append(EndLabel(NOTHING_HEARD_PERCENT, NOTHING_HEARD, "bad"))
    for line, text in zip(panel.lines, labels, strict=True):
        if not line.points:
            continue
        draw_line(plot, line, line.sub_model.role, line.sub_model.marker)
        role, marker = line.sub_model.role, line.sub_model.marker
        dash = DASHED if line.round > 1 else None
        ends.append(EndLabel(line.points[-1].wer.median, text, role, marker, dash))
    plot.label_ends(ends)
    title = f"WER against epochs: {one_line(panel.speaker)} on {one_line(panel.phone)}"
    return sheet.svg(f"wer-{panel.key}", title, _describe(panel))


def wer_plot(sheet: Sheet, right: float, wer_max: float, epoch_max: int) -> Plot:
    """Return a plot of WER against epochs with its axes drawn; ``right`` of it is for labels."""
    ticks = steps(0, max(wer_max, 1), 4)
    last = max(epoch_max, 1)
    box = (26.0, 24.0, right, sheet.height - 34)
    plot = Plot(sheet, box, (-0.04 * last, 1.04 * last), (0, ticks[-1]))
    plot.y_axis(ticks, "WER, %")
    epochs = integer_ticks(last, right - 26)
    plot.x_axis(epochs, [str(epoch) for epoch in epochs], "epoch")
    return plot


def draw_line(plot: Plot, line: Line, role: str, marker: str) -> None:
    """Draw a line with the range of its repeats, its kept epoch and how sure that is."""
    xs = plot.xs([point.epoch for point in line.points])
    ys = plot.ys([point.wer.median for point in line.points])
    if any(point.wer.low < point.wer.high for point in line.points):
        low = plot.ys([point.wer.low for point in line.points])
        high = plot.ys([point.wer.high for point in line.points])
        there = list(zip(xs.tolist(), low.tolist(), strict=True))
        back = list(zip(xs.tolist(), high.tolist(), strict=True))
        plot.sheet.area([[*there, *reversed(back)]], role, alpha=0.16)
    plot.sheet.line(xs, ys, role, width=1.8, dash=DASHED if line.round > 1 else None)
    if len(xs) <= MANY_EPOCHS:
        plot.sheet.marks(xs, ys, role, marker, size=4.5)
    if line.kept is not None:
        x, y = plot.x(line.kept.epoch), plot.y(line.kept.wer.median)
        interval = line.kept_interval
        if interval is not None and interval.ends is not None:
            plot.sheet.line([x, x], plot.ys(interval.ends).tolist(), role, width=1.0)
        plot.sheet.marks([x], [y], role, "*", size=13, halo=1)


def _end_text(line: Line) -> str:
    rest = f" round {line.round}" if line.round > 1 else ""
    if line.note:
        rest += f" ({one_line(line.note, 10)})"
    rest += end_text(line)
    return one_line(line.sub_model.label, max(4, LONGEST - len(rest))) + rest


def end_text(line: Line) -> str:
    """Return what stands at a line's end behind its name."""
    return " cut off" if line.kept is None else f" ★ {fixed(line.kept.wer.median, 1)}"


def _describe(panel: Panel) -> str:
    sentences = []
    if panel.unknown_speech:
        sentences.append("The baseline does not know this speech.")
    sentences += [
        described(line, line.sub_model.name or "No sub-model")
        for line in panel.lines
        if line.points
    ]
    return " ".join(sentences) or "No epoch was evaluated."


def described(line: Line, name: str) -> str:
    """Return in a sentence where a line begins and ends, and how sure its kept epoch is."""
    first, last = line.points[0], line.points[-1]
    sentence = (
        f"{name}: from {fixed(first.wer.median, 1)} % at epoch {first.epoch} to "
        f"{fixed(last.wer.median, 1)} % at epoch {last.epoch}"
    )
    if line.kept is not None:
        sentence += f", kept epoch {line.kept.epoch} with {fixed(line.kept.wer.median, 1)} %"
        sure = interval_text(line.kept_interval)
        sentence += f" (95 % interval {sure} %)" if sure else ""
    return f"{sentence}."
