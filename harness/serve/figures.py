"""Curves of a running attempt, drawn as the report draws: loss, WER, and the last minutes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from harness.readings.declared import Axis
from harness.readings.sampled import columns
from harness.report.figures.plot import EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.shares import ShareBar, share_bars
from harness.report.figures.sheet import Sheet
from harness.report.numbers import fixed
from harness.report.text import plural
from harness.serve.facts import Running
from harness.serve.tails import WINDOW_S

_LEFT, _TOP, _BOTTOM = 46.0, 22.0, 22.0
_WIDTH, _HEIGHT = 330.0, 150.0
"""Of every figure: as wide as a small phone, so that no text becomes smaller than it is drawn."""
_BEYOND: Final = 1.15
"""What is so many times the highest of the later values is drawn to the edge of the plot."""
_TRAINER: Final = "trainer_rss_mb"
_SINCE: Final = 5
"""So many samples of a trainer there must be before the axis serves it."""

Values = Sequence[float | None]


def curves(running: Running, role: str, key: str) -> Markup:
    """Return the figures of an attempt; where nothing is known yet, none.

    Args:
        running: The attempt.
        role: Colour of its sub-model.
        key: Unique on the page, for ids.
    """
    learning = [
        _line_figure(
            f"{key}-loss",
            "loss",
            running.loss,
            role,
            f"{plural(running.steps, 'step')}",
            last_x=0,
            clipped=True,
        ),
        _line_figure(
            f"{key}-wer",
            "WER, %",
            running.wer_percent,
            role,
            plural(running.epochs, "epoch") if running.epochs else "",
            last_x=running.epochs,
            marks=True,
        ),
    ]
    if running.left_at:
        learning.append(_leaving(running.left_at, f"{key}-exits"))
    shown = [*(figure for figure in learning if figure), *_minutes(running, f"{key}-use", role)]
    return Markup("").join(Markup("<figure>{}</figure>").format(figure) for figure in shown)


def _line_figure(
    key: str,
    label: str,
    points: Sequence[tuple[int, float]],
    role: str,
    of: str,
    *,
    last_x: int,
    clipped: bool = False,
    marks: bool = False,
) -> Markup | None:
    """Draw a figure over steps or epochs, on axes as the report has them: WER from 0, to the end.

    Args:
        key: For ids.
        label: Of what, with its unit.
        points: (step or epoch, value).
        role: Colour.
        of: How many steps or epochs, in words; empty: none is trained.
        last_x: Where the axis ends, if that is known.
        clipped: Values far beyond the later ones do not stretch the axis.
        marks: Each value has a mark.
    """
    known = [(x, y) for x, y in points if math.isfinite(y)]
    if not known:
        return None
    sheet = Sheet(_WIDTH, _HEIGHT)
    xs, ys = [float(x) for x, _ in known], [y for _, y in known]
    top = _ceiling(ys) if clipped else max(ys)
    ticks = steps(min(0.0, *ys), max(top, 1e-3), 3)
    box = (_LEFT, _TOP, _WIDTH - max(44.0, 10 + text_px(_figure(ys[-1]))), _HEIGHT - _BOTTOM)
    end = max(xs[-1], float(last_x), xs[0] + 1)
    plot = Plot(sheet, box, (xs[0], end), (ticks[0], ticks[-1]))
    plot.y_axis(ticks, label)
    below = [tick for tick in steps(xs[0], end, 4) if xs[0] <= tick <= end and tick % 1 == 0]
    below = below or [xs[0]]
    plot.x_axis(below, [tick_text(tick, below) for tick in below])
    if len(known) > 1:
        sheet.line(plot.xs(xs), plot.ys(ys), role, width=1.6, clip=box)
    if marks or len(known) == 1:
        # a mark of the first and of the highest value is whole
        sheet.marks(plot.xs(xs), plot.ys(ys), role, "o", size=4.5)
    sheet.text(plot.x(xs[-1]) + 6, plot.y(min(ys[-1], ticks[-1])) + 4, _figure(ys[-1]), "ink")
    desc = f"{label}: {_figure(ys[-1])}."
    if of:
        after = f"after {xs[-1]:.0f} of {of}"
        desc = f"{label}: {_figure(ys[0])} first, {_figure(ys[-1])} last, {after}."
    if max(ys) > ticks[-1]:
        desc += f" The highest, {_figure(max(ys))}, lies beyond the axis."
    return sheet.svg(key, label, desc)


def _leaving(left_at: Sequence[tuple[str, int]], key: str) -> Markup:
    """Draw at which exits the utterances of an evaluation left, so far."""
    heard = sum(count for _, count in left_at)
    bar = ShareBar("left", tuple(100 * count / heard for _, count in left_at))
    names = [f"{name}: {count}" for name, count in left_at]
    return share_bars([bar], names, key, f"Where {plural(heard, 'utterance')} left", _WIDTH)


def _ceiling(ys: Sequence[float]) -> float:
    """Return where an axis ends: at the highest value, unless only the first ones are so high."""
    later = ys[len(ys) // 4 :]
    return min(max(ys), _BEYOND * max(later)) if len(ys) >= 8 and max(later) > 0 else max(ys)


def _minutes(running: Running, key: str, role: str) -> list[Markup]:
    """Draw CPU, memory and battery of the last minutes, a figure each."""
    t_s: list[float] = running.samples.get("t_s", [])
    if len(t_s) < 2:
        return []
    ago = [(t - t_s[-1]) / 60 for t in t_s]
    figures = []
    for number, (axis, all_lines) in enumerate(_live_lines(role)):
        lines = [line for line in all_lines if _known(running.samples.get(line[1], []))]
        if lines:
            figures.append(_minutes_of(running, axis, lines, ago, f"{key}{number}"))
    return figures


def _minutes_of(
    running: Running,
    axis: Axis,
    lines: Sequence[tuple[str, str, str]],
    ago: Sequence[float],
    key: str,
) -> Markup:
    minutes = min(WINDOW_S // 60, max(1, math.ceil(-ago[0])))
    sheet = Sheet(_WIDTH, _HEIGHT)
    ends = [
        EndLabel(
            _known(running.samples[column])[-1],
            f"{name} {fixed(_known(running.samples[column])[-1])}",
            colour,
        )
        for name, column, colour in lines
    ]
    labels = 30 + max(text_px(end.text) for end in ends)
    high, low = _highest(running, axis, lines), _lowest(running, axis, lines)
    ticks = steps(low, max(high, low + 1), 3)
    box = (_LEFT, _TOP, _WIDTH - labels, _HEIGHT - _BOTTOM)
    plot = Plot(sheet, box, (-minutes, 0), (ticks[0], ticks[-1]))
    plot.y_axis(ticks, axis.label)
    for _, column, colour in lines:
        ys = [math.nan if value is None else value for value in running.samples[column]]
        sheet.line(plot.xs(ago), plot.ys(ys), colour, width=1.3, clip=box)
        if max(_known(running.samples[column])) > ticks[-1]:
            text = f"↑ {fixed(max(_known(running.samples[column])))}"
            sheet.text(plot.left + 4, plot.top + 10, text, "soft")
    plot.label_ends(ends)
    said = [end.text for end in ends]
    past = list(range(-minutes, 0, 1 if minutes < 4 else 2))
    plot.x_axis([*past, 0], [*(f"−{-minute} min" for minute in past), "now"])
    return sheet.svg(key, f"{axis.label}, the last minutes", f"Now: {', '.join(said)}.")


def _highest(running: Running, axis: Axis, lines: Sequence[tuple[str, str, str]]) -> float:
    """Return where an axis ends: at the highest value since the trainer runs, as in the report.

    Before it far more memory is free; the scale serves the training.
    """
    every = [value for line in lines for value in _known(running.samples[line[1]])]
    rss = running.samples.get(_TRAINER, [])
    began = next((at for at, value in enumerate(rss) if value is not None), None)
    if began is None or len(rss) - began < _SINCE or not axis.from_zero:
        return max(every)
    since = [value for line in lines for value in _known(running.samples[line[1]][began:])]
    return min(max(every), _BEYOND * max(since, default=math.inf))


def _lowest(running: Running, axis: Axis, lines: Sequence[tuple[str, str, str]]) -> float:
    if axis.from_zero:
        return 0.0
    return min(value for line in lines for value in _known(running.samples[line[1]])) - 1


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
