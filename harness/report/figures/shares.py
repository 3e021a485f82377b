"""Where utterances left, by rule: a bar a rule, cut into the shares of the exits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.figures.plot import BASELINE, text_px
from harness.report.figures.sheet import Drawn, Sheet
from harness.report.numbers import fixed
from harness.report.text import one_line

WIDTH = 390.0
BAR_PX, STEP_PX = 16.0, 23.0
LONGEST = 26
"""Characters of a rule's label."""
SHADES = 6
"""Of the ramp `h0` to `h5`: ink reads on each of them."""


@dataclass(frozen=True)
class ShareBar:
    """One rule.

    Attributes:
        label: Of the rule.
        shares: Of each exit, from the shallowest, %.
    """

    label: str
    shares: tuple[float, ...]


def share_bars(
    bars: Sequence[ShareBar],
    exits: Sequence[str],
    name: str,
    title: str,
    width: float = WIDTH,
) -> Drawn:
    """Draw one bar a rule; the deeper an exit, the darker its part.

    Args:
        bars: At least one; each with a share for every exit.
        exits: What the exits are called, from the shallowest.
        name: Prefix of ids.
        title: For those who listen.
        width: Of the figure, pixels.
    """
    labels = [one_line(bar.label, LONGEST) for bar in bars]
    keys = [one_line(text, LONGEST) for text in exits]
    left = 12 + max(map(text_px, labels))
    right = width - 6
    lines = _key_lines(keys, right - left)
    top = 8 + 18.0 * len(lines)
    sheet = Sheet(width, top + STEP_PX * len(bars) + 4)
    for row, line in enumerate(lines):
        x = left
        for place in line:
            y = 4 + 18.0 * row
            sheet.area([_box(x, y, 11, 11)], shade(place, len(exits)))
            sheet.text(x + 15, y + 5.5 + BASELINE, keys[place], "soft")
            x += 31 + text_px(keys[place])
    for row, (bar, label) in enumerate(zip(bars, labels, strict=True)):
        y = top + STEP_PX * row
        sheet.text(left - 6, y + BAR_PX / 2 + BASELINE, label, anchor="right")
        x = left
        for place, share in enumerate(bar.shares):
            part = (right - left) * share / 100
            if part <= 0:
                continue
            sheet.area([_box(x, y, max(part - 1, 0.5), BAR_PX)], shade(place, len(exits)))
            text = f"{fixed(share)} %"
            if part > text_px(text) + 6:
                sheet.text(x + part / 2, y + BAR_PX / 2 + BASELINE, text, anchor="center")
            x += part
    told = (
        f"{bar.label}: "
        + ", ".join(f"{fixed(s)} % at {e}" for e, s in zip(exits, bar.shares, strict=True))
        for bar in bars
    )
    return sheet.svg(name, title, "; ".join(told) + ".")


def shade(place: int, exits: int) -> str:
    """Return the role of an exit's part: shades as far apart as there are exits."""
    last = max(exits - 1, 1)
    return f"h{1 + round(place * (SHADES - 2) / last)}"


def _key_lines(keys: Sequence[str], room: float) -> list[list[int]]:
    """Return which exits are named on which line."""
    lines: list[list[int]] = [[]]
    used = 0.0
    for place, key in enumerate(keys):
        needed = 31 + text_px(key)
        if lines[-1] and used + needed > room:
            lines.append([])
            used = 0.0
        lines[-1].append(place)
        used += needed
    return lines


def _box(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
