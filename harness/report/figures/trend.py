"""A metric from run to run: one line a phone, the run in question marked."""

from __future__ import annotations

import math
from itertools import chain

from harness.report.figures.plot import CHARACTER_PX, EndLabel, Plot, steps, text_px, tick_text
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed, parse_utc
from harness.report.sub_models import RankedSubModel
from harness.report.text import one_line
from harness.report.trend import Night, Trend

WIDTH, HEIGHT = 380.0, 210.0
LONGEST = 16
"""Characters of a phone's name that are written."""
APART_PX = 3.0
"""From one phone's marks of a run to the next's."""
DAY_PX = 6.4 * CHARACTER_PX
"""Room of a date below the axis."""


def trend_chart(trend: Trend) -> Drawn:
    """Draw a metric over the runs. Its axis begins at 0 only if the figures come near it."""
    metric, nights = trend.metric, trend.nights
    sheet = Sheet(WIDTH, max(HEIGHT, 58 + Plot.height_for(len(trend.phones))))
    known = [value for phone in trend.phones for night in nights
             if (value := trend.value(night, phone)) is not None]  # fmt: skip
    lows = [value.interval[0] if value.interval else value.figure for value in known]
    highs = [value.interval[1] if value.interval else value.figure for value in known]
    low, high = min(lows), max(highs)
    room = max(0.25 * (high - low), 0.02 * abs(high), 1e-3)
    ticks = steps(max(0.0, low - room), high + room, 4)
    names = {phone: _short(phone) for phone in trend.phones}
    right = WIDTH - 30 - max(map(text_px, names.values()))
    left = 10 + 6.4 * max(len(tick_text(tick, ticks)) for tick in ticks)
    last = len(nights) - 1
    box = (left, 24.0, right, sheet.height - 34)
    plot = Plot(sheet, box, (-0.06 * last, 1.06 * last), (ticks[0], ticks[-1]))
    unit = f", {metric.unit}" if metric.unit else ""
    plot.y_axis(ticks, f"{metric.label}{unit}")
    places = _dated(len(nights), right - left)
    plot.x_axis(places, [_day(nights[place]) for place in places], "run, the oldest first")
    ends = []
    looks = [RankedSubModel.of(phone, trend.phones) for phone in trend.phones]
    for place, (phone, look) in enumerate(zip(trend.phones, looks, strict=True)):
        # side by side, so that no phone's bars hide another's
        aside = APART_PX * (place - (len(trend.phones) - 1) / 2)
        values = [(number, trend.value(night, phone)) for number, night in enumerate(nights)]
        points = [(number, value) for number, value in values if value is not None]
        ys = plot.ys([math.nan if value is None else value.figure for _, value in values])
        sheet.line(plot.xs([number for number, _ in values]) + aside, ys, look.role, width=1.6)
        bars = [
            (plot.x(number) + aside, plot.y(value.interval[0]), plot.y(value.interval[1]))
            for number, value in points
            if value.interval
        ]
        sheet.line(
            list(chain(*((x, x, math.nan) for x, _, _ in bars))),
            list(chain(*((bottom, top, math.nan) for _, bottom, top in bars))),
            look.role,
        )
        for number, value in points:
            role = nights[number].role
            sheet.marks(
                [plot.x(number) + aside], [plot.y(value.figure)], look.role,
                "*" if role == "now" else look.marker,
                size=13 if role == "now" else 6, hollow=role in ("not good", "older"),
            )  # fmt: skip
        ends.append(EndLabel(points[-1][1].figure, names[phone], look.role, look.marker))
    plot.label_ends(ends)
    return sheet.svg(f"trend-{metric.name}", f"{metric.label} from run to run", _describe(trend))


def _short(phone: str) -> str:
    """Return the end of a long serial, which is what differs."""
    line = one_line(phone, 200)
    return line if len(line) <= LONGEST else f"…{line[-LONGEST + 1 :]}"


def _dated(count: int, room_px: float) -> list[int]:
    every = max(1, math.ceil(count * DAY_PX / max(room_px, 1)))
    # counted from the last, which is the run in question
    return list(range(count - 1, -1, -every))[::-1]


def _day(night: Night) -> str:
    moment = parse_utc(night.started_utc)
    return f"{moment:%m-%d}" if moment else "?"


def _describe(trend: Trend) -> str:
    sentences = []
    for phone in trend.phones:
        figures = [
            fixed(value.figure, trend.metric.digits) if value else "none"
            for night in trend.nights
            for value in [trend.value(night, phone)]
        ]
        sentences.append(f"{phone}: {', '.join(figures)} {trend.metric.unit}".rstrip() + ".")
    return " ".join(sentences)
