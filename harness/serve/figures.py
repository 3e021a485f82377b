"""Curves of a running attempt, drawn as the report draws: loss, WER, and the last minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from harness.readings.declared import Axis
from harness.readings.sampled import columns
from harness.report.figures.plot import EndLabel, Plot, steps, tick_text
from harness.report.figures.sheet import Sheet
from harness.report.numbers import fixed
from harness.report.text import plural
from harness.serve.facts import Running
from harness.serve.tails import WINDOW_S

_LEFT, _TOP, _BOTTOM = 46.0, 22.0, 22.0
_SMALL = (330.0, 150.0)
_WIDE = 690.0
_LABELS = 150.0
_GAP = 36.0

Values = Sequence[float | None]


def curves(running: Running, role: str, key: str) -> Markup:
    """Return the figures of an attempt; where nothing is known yet, none.

    Args:
        running: The attempt.
        role: Colour of its sub-model.
        key: Unique on the page, for ids.
    """
    learning = [
        _line_figure(f"{key}-loss", "loss", running.loss, role, plural(running.steps, "step")),
        _line_figure(
            f"{key}-wer",
            "WER, %",
            running.wer_percent,
            role,
            f"{running.epochs} epochs",
            marks=True,
        ),
    ]
    shown = [figure for figure in (*learning, _minutes(running, f"{key}-use", role)) if figure]
    return Markup("").join(Markup("<figure>{}</figure>").format(figure) for figure in shown)


def _line_figure(
    key: str,
    label: str,
    points: Sequence[tuple[int, float]],
    role: str,
    of: str,
    *,
    marks: bool = False,
) -> Markup | None:
    known = [(x, y) for x, y in points if math.isfinite(y)]
    if not known:
        return None
    width, height = _SMALL
    sheet = Sheet(width, height)
    xs, ys = [float(x) for x, _ in known], [y for _, y in known]
    ticks = steps(min(0.0, *ys), max(ys), 3)
    box = (_LEFT, _TOP, width - 44, height - _BOTTOM)
    plot = Plot(sheet, box, (xs[0], max(xs[-1], xs[0] + 1)), (ticks[0], ticks[-1]))
    plot.y_axis(ticks, label)
    below = [tick for tick in steps(xs[0], xs[-1], 4) if xs[0] <= tick <= xs[-1] and tick % 1 == 0]
    below = below or [xs[0]]
    plot.x_axis(below, [tick_text(tick, below) for tick in below])
    if len(known) > 1:
        sheet.line(plot.xs(xs), plot.ys(ys), role, width=1.6)
    if marks or len(known) == 1:
        sheet.marks(plot.xs(xs), plot.ys(ys), role, "o", size=4.5)
    sheet.text(plot.right + 6, plot.y(ys[-1]) + 4, _figure(ys[-1]), "ink")
    desc = f"{label}: {_figure(ys[0])} first, {_figure(ys[-1])} last, after {xs[-1]:.0f} of {of}."
    return sheet.svg(key, label, desc)


def _minutes(running: Running, key: str, role: str) -> Markup | None:
    """Draw CPU, memory and battery of the last minutes, one above the other."""
    t_s: list[float] = running.samples.get("t_s", [])
    if len(t_s) < 2:
        return None
    ago = [(t - t_s[-1]) / 60 for t in t_s]
    minutes = min(WINDOW_S // 60, max(1, math.ceil(-ago[0])))
    traces = [
        (axis, 64.0 if axis.height > 60 else 30.0, lines)
        for axis, all_lines in _live_lines(role)
        if (lines := [line for line in all_lines if _known(running.samples.get(line[1], []))])
    ]
    sheet = Sheet(_WIDE, sum(height + _GAP for _, height, _ in traces) + _BOTTOM)
    top, said = _TOP, []
    for number, (axis, height, lines) in enumerate(traces):
        every = [value for line in lines for value in _known(running.samples[line[1]])]
        low = 0.0 if axis.from_zero else min(every) - 1
        ticks = steps(low, max(*every, low + 1), 2)
        box = (_LEFT, top, _WIDE - _LABELS, top + height)
        plot = Plot(sheet, box, (-minutes, 0), (ticks[0], ticks[-1]))
        plot.y_axis(ticks, axis.label)
        ends = []
        for name, column, colour in lines:
            values = running.samples[column]
            ys = [math.nan if value is None else value for value in values]
            sheet.line(plot.xs(ago), plot.ys(ys), colour, width=1.3)
            last = _known(values)[-1]
            ends.append(EndLabel(last, f"{name} {fixed(last)}", colour))
            said.append(f"{name} {fixed(last)}")
        plot.label_ends(ends)
        if number == len(traces) - 1:
            past = range(-minutes, 0)
            plot.x_axis([*past, 0], [*(f"−{-minute} min" for minute in past), "now"])
        top += height + _GAP
    return sheet.svg(key, "The last minutes", f"Now: {', '.join(said)}.") if traces else None


def _live_lines(role: str) -> list[tuple[Axis, list[tuple[str, str, str]]]]:
    """Return the plots of the live page, each with (name, column, colour) of its lines.

    Args:
        role: Colour of the trainer's own lines.
    """
    charts = [
        (column.name, column.chart)
        for column in columns()
        if column.chart is not None and column.chart.live
    ]
    charts.sort(key=lambda pair: (pair[1].axis.place, not pair[1].trainer))
    by_axis: dict[Axis, list[tuple[str, str, str]]] = {}
    for name, chart in charts:
        line = (chart.label, name, role if chart.trainer else "phone")
        by_axis.setdefault(chart.axis, []).append(line)
    return list(by_axis.items())


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _figure(value: float) -> str:
    return fixed(value, 2 if abs(value) < 10 else 1)
