"""The strip of one attempt: what was read of it, one above the other over the same seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.report.cost import Timeline, Trace
from harness.report.figures.plot import CHARACTER_PX, EndLabel, Plot, steps
from harness.report.figures.sheet import DASHED, DOTTED, Drawn, Sheet
from harness.report.figures.strip_rows import Line, Row, rows_of, training
from harness.report.numbers import fixed
from harness.report.style import PHASES
from harness.report.sub_models import RankedSubModel
from harness.report.text import one_line

WIDTH = 960.0
LEFT, RIGHT = 48.0, 182.0
BOTTOM, GAP = 36.0, 28.0
RIBBON = 24.0
"""Height above the first plot, for the names of the phases."""
KILL_NAMES = 14.0
"""Height above that, for the names of killed processes."""


def timeline(
    view: Timeline, sub_model: RankedSubModel, key: str, title: str, digits: int = 1
) -> Drawn | None:
    """Draw the strip; None where no line has anything to say.

    Args:
        view: What to draw.
        sub_model: Whose colour the trainer's lines have.
        key: The attempt's, for ids.
        title: For those who listen.
        digits: Of a pixel; 0 = briefly, without PSS and without "available + own".
    """
    rows = rows_of(view, sub_model.role, brief=not digits)
    if not rows:
        return None
    top = 8 + (RIBBON if view.phases else 12) + (KILL_NAMES if view.kills else 0)
    inner = sum(row.height for row in rows) + GAP * (len(rows) - 1)
    sheet = Sheet(WIDTH, top + inner + BOTTOM, digits)
    end = max(view.end_s, 1.0)
    whole = (LEFT, top - (RIBBON if view.phases else 4), WIDTH - RIGHT, top + inner)
    over = Plot(sheet, whole, (0, end), (0, 1))
    _draw_phases(over, view, brief=not digits)
    for number, row in enumerate(rows):
        _draw_row(sheet, row, view, (LEFT, top, WIDTH - RIGHT, top + row.height), end)
        if number < len(rows) - 1:
            top += row.height + GAP
    ticks = [tick for tick in steps(0, end, 9 if digits else 5) if tick <= end * 1.0001]
    below = Plot(sheet, whole, (0, end), (0, 1))
    texts = [fixed(tick, 0 if ticks[-1] >= 5 else 1) for tick in ticks]
    below.x_axis(ticks, texts, "seconds since the first sample", line=False)
    _draw_kills(over, view)
    return sheet.svg(f"strip-{key}", title, _describe(view))


def _draw_phases(over: Plot, view: Timeline, *, brief: bool) -> None:
    """Shade the phases behind all plots, and name them above where there is room."""
    for name in PHASES:
        spans = [phase for phase in view.phases if phase.phase == name]
        boxes = []
        for span in spans:
            left, right = over.x(span.begin_s), over.x(min(span.end_s, over.x_high))
            corners = [(left, over.top), (right, over.top)]
            boxes.append([*corners, (right, over.bottom), (left, over.bottom)])
        if boxes:
            over.sheet.area(boxes, f"phase-{name}")
    for phase in view.phases:
        wide = over.x(phase.end_s) - over.x(phase.begin_s)
        epoch = "" if phase.epoch is None else f" {phase.epoch}"
        name = one_line(phase.phase, 16)
        # A bare number stands for training only: it is the epoch that the eye counts
        shorter = () if brief else (name, epoch.strip() if name == "train" else "")
        for text in (name + epoch, *shorter):
            if text and wide > len(text) * CHARACTER_PX * 0.95 + 4:
                middle = over.x((phase.begin_s + phase.end_s) / 2)
                over.sheet.text(middle, over.top + 11, text, "soft", anchor="center", size=10)
                break


def _draw_row(
    sheet: Sheet, row: Row, view: Timeline, box: tuple[float, float, float, float], end: float
) -> None:
    ticks = _ticks(row, view)
    plot = Plot(sheet, box, (0, end), (ticks[0], ticks[-1]))
    plot.y_axis(ticks, row.label)
    plot.rule(ticks[0], "rule", dash=None, width=0.8)
    ends = [_draw_line(plot, line, view) for line in row.lines]
    if row.goal and view.pressure is not None:
        ends.append(_draw_goal(plot, view))
        _draw_steps(plot, view)
    plot.label_ends(ends)
    _say_clipped(plot, [line.trace for line in row.lines])


def _draw_line(plot: Plot, line: Line, view: Timeline) -> EndLabel:
    trace = line.trace
    clip = (plot.left, plot.top - 1, plot.right, plot.bottom + 1)
    xs, ys = plot.xs(trace.t_s), plot.ys(trace.value)
    marker = dash = None
    if line.look == "dots":
        marker = "o"
        plot.sheet.marks(xs, ys, line.role, "o", size=4, clip=clip)
    elif line.look == "dotted":
        dash = DOTTED
        plot.sheet.line(xs, ys, line.role, width=1.2, dash=DOTTED, clip=clip)
    elif line.look == "steps":
        plot.sheet.line(np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1], line.role, width=1.4)
    else:
        plot.sheet.line(xs, ys, line.role, width=1.5, clip=clip)
    values = training(view, trace)
    last = float(values[np.isfinite(values)][-1])
    return EndLabel(last, line.label, line.role, marker, dash, line=marker is None)


def _ticks(row: Row, view: Timeline) -> list[float]:
    high = max(float(np.nanmax(line.trace.value)) for line in row.lines)
    low = min(float(np.nanmin(line.trace.value)) for line in row.lines)
    if not row.from_zero:
        bottom = math.floor(low)
        return [bottom, max(math.ceil(high), bottom + 1)]
    if row.goal and view.available_in_training is not None and view.pressure is not None:
        # Before and after the pressure far more is free; the scale serves the training
        rss = float(np.nanmax(view.rss.value)) if view.rss.known else 0.0
        asked = view.pressure.goal_mb + view.pressure.tolerance_mb
        high = min(high, 1.15 * max(rss, asked, view.available_in_training))
    return steps(0, max(high, 1.0), 4 if row.height > 100 else 3)


def _draw_goal(plot: Plot, view: Timeline) -> EndLabel:
    assert view.pressure is not None
    goal, tolerance = view.pressure.goal_mb, view.pressure.tolerance_mb
    top, bottom = plot.y(goal + tolerance), plot.y(max(0.0, goal - tolerance))
    corners = [(plot.left, top), (plot.right, top), (plot.right, bottom), (plot.left, bottom)]
    plot.sheet.area([corners], "good", alpha=0.14)
    plot.rule(goal, "good")
    return EndLabel(goal, f"goal {fixed(goal)} ± {fixed(tolerance)}", "good", None, DASHED)


def _draw_steps(plot: Plot, view: Timeline) -> None:
    """Mark each change of the ballast: up where it grew, down where it shrank."""
    assert view.pressure is not None
    before = 0.0
    grew: list[float] = []
    shrank: list[float] = []
    for t_s, ballast_mb in view.pressure.steps:
        inside = min(max(t_s, plot.x_low), plot.x_high)
        (grew if ballast_mb > before else shrank).append(inside)
        before = ballast_mb
    for times, marker in ((grew, "^"), (shrank, "v")):
        if times:
            plot.sheet.marks(plot.xs(times), [plot.bottom - 5] * len(times), "ink", marker, size=5)


def _say_clipped(plot: Plot, traces: Sequence[Trace]) -> None:
    """Say how far a line goes that leaves the plot."""
    for trace in traces:
        above = np.flatnonzero(np.nan_to_num(trace.value, nan=-np.inf) > plot.y_high)
        if above.size:
            at = plot.x(float(trace.t_s[above[0]]))
            text = f"↑ {fixed(float(np.nanmax(trace.value)))}"
            early = at < plot.right - (len(text) + 1) * CHARACTER_PX
            plot.sheet.text(
                at + 4 if early else at - 4,
                plot.top + 10,
                text,
                "soft",
                anchor="left" if early else "right",
                size=10,
            )
            return


def _draw_kills(over: Plot, view: Timeline) -> None:
    taken: list[tuple[float, float]] = []
    for kill in sorted(view.kills, key=lambda kill: (kill.role != "trainer", kill.t_s)):
        at = over.x(min(max(kill.t_s, over.x_low), over.x_high))
        width = 2.0 if kill.role == "trainer" else 1.2
        over.sheet.line([at, at], [over.top - 2, over.bottom], "bad", width=width)
        text = f"✕ {one_line(kill.process.rsplit('.', 1)[-1], 22)} killed"
        long = (len(text) + 1) * CHARACTER_PX
        early = at + long < WIDTH
        span = (at, at + long) if early else (at - long, at)
        if any(span[0] < right and left < span[1] for left, right in taken):
            continue  # its line is there; the table of kills names it
        taken.append(span)
        over.sheet.text(at, over.top - 6, text, "bad", anchor="left" if early else "right")


def _describe(view: Timeline) -> str:
    sentences = [f"{fixed(view.end_s)} seconds, {len(view.phases)} phases."]
    for charted in view.charted:
        if charted.trace.known and charted.chart.brief:
            name = charted.column.track or charted.chart.label
            low, high = float(np.nanmin(charted.trace.value)), float(np.nanmax(charted.trace.value))
            range_ = f"from {fixed(low)} to {fixed(high)} {charted.column.unit}".strip()
            sentences.append(f"{name[:1].upper()}{name[1:]} {range_}.")
    if view.kills:
        sentences.append(f"{len(view.kills)} processes killed.")
    return " ".join(sentences)
