"""The sub-model that each trainer chose, against the RAM that it found available."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.report.decisions import Choice, Decisions
from harness.report.figures.plot import BASELINE, Plot, steps, text_px
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.text import one_line

WIDTH, ROW_PX = 760.0, 42.0
LOG_FROM = 6.0
"""From this factor between what is available and what is needed the axis is logarithmic."""
NONE = "none fits"
LONGEST = 32
"""Characters of a name that are written."""

Scale = Callable[[float], float]


def selection(view: Decisions, key: str) -> Drawn:
    """Draw the rule as steps and the decisions as marks."""
    rows = [*(name for name, _ in view.need_mb), NONE]
    height = ROW_PX * len(rows) + 66
    sheet = Sheet(WIDTH, height)
    place = {name: len(rows) - 1 - number for number, name in enumerate(rows)}
    scale, limits, ticks = _scale(view)
    left = max(62.0, 12 + max(text_px(one_line(name, LONGEST)) for name in rows))
    plot = Plot(sheet, (left, 26, WIDTH - 16, height - 36), limits, (-0.5, len(rows) - 0.5))
    for name, row in place.items():
        plot.rule(row, "grid", dash=None, width=0.8)
        sheet.text(plot.left - 6, plot.y(row) + BASELINE, one_line(name, LONGEST), anchor="right")
    sheet.text(2, 14, "sub-model", "soft")
    plot.x_axis(
        [scale(tick) for tick in ticks],
        [fixed(tick) for tick in ticks],
        "RAM available when the trainer chose, MB",
    )
    _draw_rule(plot, view, place, scale)
    for choice, x, y in _apart(plot, view.choices, place, scale):
        role, marker = choice.sub_model.role, choice.sub_model.marker
        sheet.marks([x], [y], role, marker, size=8.5, hollow=choice.forced, halo=1)
    title = "Sub-model chosen against available RAM"
    return sheet.svg(f"choice-{key}", title, _describe(view))


def _scale(view: Decisions) -> tuple[Scale, tuple[float, float], list[float]]:
    """Return the x scale, its limits (scaled) and ticks (MiB)."""
    available = [choice.available_mb for choice in view.choices]
    needed = [need for _, need in view.need_mb]
    high = max([*available, *needed, 1.0])
    low = max(1.0, min([*available, *needed]))
    if high / max([*needed, 1.0]) >= LOG_FROM:
        bottom, top = math.log10(low * 0.6), math.log10(high * 1.3)
        powers = range(math.floor(bottom), math.ceil(top) + 1)
        every = [mantissa * 10.0**power for power in powers for mantissa in (1, 2, 5)]
        ticks = [tick for tick in every if bottom <= math.log10(tick) <= top]
        return (lambda mb: math.log10(max(mb, low * 0.6))), (bottom, top), ticks
    end = high * 1.08
    return (lambda mb: mb), (0.0, end), [tick for tick in steps(0, end, 7) if tick <= end]


def _draw_rule(plot: Plot, view: Decisions, place: dict[str, int], scale: Scale) -> None:
    """Draw what `first_fit` chooses at each available RAM, and each need."""
    needs = sorted(view.need_mb, key=lambda item: item[1])
    xs, ys = [plot.left], [plot.y(place[NONE])]
    at = place[NONE]
    for name, need in needs:
        x = min(max(plot.x(scale(need)), plot.left), plot.right)
        # A larger candidate that needs no more hides the smaller: the rule never steps down
        above = max(at, place[name])
        xs += [x, x]
        ys += [plot.y(at), plot.y(above)]
        at = above
    plot.sheet.line([*xs, plot.right], [*ys, ys[-1]], "rule", width=1.6)
    for name, need in needs:
        x, y = plot.x(scale(need)), plot.y(place[name])
        text = f"{one_line(name, LONGEST)} needs {fixed(need)}"
        if not _has_room(plot, x, text):
            text = f"needs {fixed(need)}"  # its row says whose
        room = _has_room(plot, x, text)
        plot.sheet.text(
            x - 6 if room else x + 6, y - 5, text, "soft", anchor="right" if room else "left"
        )


def _has_room(plot: Plot, x: float, text: str) -> bool:
    """Say whether a text that ends at ``x`` begins within the plot."""
    return x - plot.left > text_px(text) + 7


def _apart(
    plot: Plot, choices: tuple[Choice, ...], place: dict[str, int], scale: Scale
) -> list[tuple[Choice, float, float]]:
    """Give each decision a place; those that would cover each other step aside."""
    taken: dict[int, list[tuple[float, int]]] = {}
    places = []
    for choice in sorted(choices, key=lambda choice: choice.available_mb):
        row = place.get(choice.sub_model.name or NONE, place[NONE])
        x = plot.x(scale(choice.available_mb))
        near = {level for other, level in taken.get(row, []) if abs(other - x) < 9}
        level = next(free for free in range(len(choices) + 1) if free not in near)
        taken.setdefault(row, []).append((x, level))
        aside = (level + 1) // 2 * (9 if level % 2 else -9)
        places.append((choice, x, plot.y(row) + max(-18, min(18, aside))))
    return places


def _describe(view: Decisions) -> str:
    needs = ", ".join(f"{name} {fixed(need)} MB" for name, need in view.need_mb)
    sentences = [
        f"{choice.sub_model.label}{' (forced)' if choice.forced else ''} "
        f"at {fixed(choice.available_mb)} MB"
        for choice in sorted(view.choices, key=lambda choice: choice.available_mb)
    ]
    shown = "; ".join(sentences[:12]) + (
        f"; and {len(sentences) - 12} more" if len(sentences) > 12 else ""
    )
    return f"Needs: {needs}. Chosen: {shown}."
