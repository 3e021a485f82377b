"""A plot on a sheet: round scales with their units said, labels at the lines' ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt

from harness.report.figures.lines import Box
from harness.report.figures.sheet import DASHED, Dash, Sheet
from harness.report.numbers import fixed
from harness.report.style import FONT_PX

CHARACTER_PX = 6.2
"""About the width of a character at the figures' size."""
_NARROW = frozenset(" .,:;'|!()[]ilj-")
_WIDE = frozenset("mwMW@%…—")
LABEL_PX = FONT_PX * 1.28
"""From one label at a line's end to the next."""
BASELINE = FONT_PX * 0.36
"""From the middle of a line of text down to its baseline."""


def text_px(text: str) -> float:
    """Return about the width of a text at the figures' size, rather too wide than too narrow."""
    return sum(map(_letter_px, text))


def _letter_px(letter: str) -> float:
    if letter in _NARROW:
        return 3.9
    if letter in _WIDE:
        return 2 * CHARACTER_PX
    if not letter.isascii():
        return 2 * CHARACTER_PX if east_asian_width(letter) in "WF" else 9.0
    return 8.0 if letter.isupper() else 7.0


@dataclass(frozen=True)
class EndLabel:
    """A label at the end of a line, with a piece of the line before it."""

    y: float
    """Where the line ends, in the plot's own units."""
    text: str
    role: str
    marker: str | None = None
    dash: Dash = None
    line: bool = True
    run: int = 0
    """Whose it is, see `Sheet.run`."""


class Plot:
    """A rectangle of a sheet with an x and a y scale.

    Args:
        sheet: Where it lies.
        box: Left, top, right, bottom in pixels of the sheet.
        x: Least and greatest x.
        y: Least and greatest y.
    """

    def __init__(
        self, sheet: Sheet, box: Box, x: tuple[float, float], y: tuple[float, float]
    ) -> None:
        self.sheet = sheet
        self.box = box
        self.left, self.top, self.right, self.bottom = box
        self.x_low, self.x_high = x
        self.y_low, self.y_high = y

    def x(self, value: float) -> float:
        """Return a value's place across, in pixels."""
        share = (value - self.x_low) / max(self.x_high - self.x_low, 1e-12)
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        """Return a value's place from the top, in pixels."""
        share = (value - self.y_low) / max(self.y_high - self.y_low, 1e-12)
        return self.bottom - share * (self.bottom - self.top)

    def xs(self, values: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the places of many values across."""
        array = np.asarray(values, dtype=np.float64)
        share = (array - self.x_low) / max(self.x_high - self.x_low, 1e-12)
        return self.left + share * (self.right - self.left)

    def ys(self, values: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the places of many values from the top."""
        array = np.asarray(values, dtype=np.float64)
        share = (array - self.y_low) / max(self.y_high - self.y_low, 1e-12)
        return self.bottom - share * (self.bottom - self.top)

    def y_axis(self, ticks: Sequence[float], label: str) -> None:
        """Draw rules across with their numbers, and the unit above, where it is read first."""
        ys = [y for tick in ticks for y in (self.y(tick), self.y(tick), math.nan)]
        self.sheet.line([self.left, self.right, math.nan] * len(ticks), ys, "grid", width=0.8)
        for tick in ticks:
            y = self.y(tick)
            self.sheet.text(
                self.left - 5, y + BASELINE, tick_text(tick, ticks), "soft", anchor="right"
            )
        widest = max(len(tick_text(tick, ticks)) for tick in ticks)
        self.sheet.text(self.left - 5 - widest * CHARACTER_PX, self.top - 8, label, "soft")

    def x_axis(
        self, ticks: Sequence[float], texts: Sequence[str], label: str = "", *, line: bool = True
    ) -> None:
        """Draw the line below with ticks, their texts and what they are of."""
        if line:
            y = self.bottom
            self.sheet.line([self.left, self.right], [y, y], "rule", width=0.8)
        joined_x: list[float] = []
        joined_y: list[float] = []
        for tick, text in zip(ticks, texts, strict=True):
            x = self.x(tick)
            joined_x += [x, x, math.nan]
            joined_y += [self.bottom, self.bottom + 3, math.nan]
            self.sheet.text(x, self.bottom + 14, text, "soft", anchor="center")
        if joined_x:
            self.sheet.line(joined_x, joined_y, "rule", width=0.8)
        if label:
            middle = (self.left + self.right) / 2
            self.sheet.text(middle, self.bottom + 29, label, "soft", anchor="center")

    def label_ends(self, labels: Sequence[EndLabel], offset: float = 8.0) -> None:
        """Write labels to the right, each as near to its line's end as the others let it."""
        wanted = [min(self.bottom, max(self.top, self.y(label.y))) for label in labels]
        placed = spread_out(wanted, LABEL_PX, self.top + 1, self.bottom - 1)
        left = self.right + offset
        for label, y in zip(labels, placed, strict=True):
            self.sheet.run = label.run
            if label.line:
                self.sheet.line([left, left + 13], [y, y], label.role, width=2, dash=label.dash)
            if label.marker:
                self.sheet.marks([left + 6.5], [y], label.role, label.marker, size=6)
            self.sheet.text(left + 18, y + BASELINE, label.text)
        self.sheet.run = 0

    @staticmethod
    def height_for(labels: int) -> float:
        """Return how high a plot must be for so many labels at its lines' ends."""
        return labels * LABEL_PX + 2

    def rule(self, y: float, role: str, *, dash: Dash = DASHED, width: float = 1.0) -> None:
        """Draw a line across at ``y``."""
        at = self.y(y)
        self.sheet.line([self.left, self.right], [at, at], role, width=width, dash=dash)


def steps(low: float, high: float, about: int = 4) -> list[float]:
    """Return about so many round numbers from at or below ``low`` to at or above ``high``."""
    span = max(high - low, 1e-12)
    raw = span / max(about, 1)
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(
        factor * scale for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * scale >= raw * 0.999
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def tick_text(tick: float, ticks: Sequence[float]) -> str:
    """Return a tick's label, with as many decimals as the ticks need."""
    digits = 0
    while digits < 6 and any(abs(round(tick, digits) - tick) > 1e-9 for tick in ticks):
        digits += 1
    return fixed(tick, digits)


def integer_ticks(last: int, room_px: float) -> list[int]:
    """Return whole numbers from 0 to ``last``, as many as there is room for."""
    least = (last + 1) * (len(str(last)) + 1.2) * CHARACTER_PX / max(room_px, 1)
    every = next((step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step >= least), 1000)
    return list(range(0, last + 1, every))


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart until each is at least ``gap`` from the next, moving little.

    Args:
        wanted: Places in any order, pixels.
        gap: Least distance.
        low: Lowest allowed place.
        high: Highest allowed place; exceeded only if there is no room.

    Returns:
        The new places, in the order of ``wanted``.
    """
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    # Blocks of places that touch, each around the mean of what its members want
    blocks: list[list[int]] = []

    def start(block: list[int]) -> float:
        centre = sum(wanted[n] for n in block) / len(block)
        span = gap * (len(block) - 1)
        return max(low, min(centre - span / 2, high - span))

    for n in order:
        blocks.append([n])
        while len(blocks) > 1:
            before, last = blocks[-2], blocks[-1]
            if start(before) + gap * len(before) <= start(last) + 1e-9:
                break
            blocks[-2:] = [before + last]
    placed = [0.0] * len(wanted)
    for block in blocks:
        for place, n in enumerate(block):
            placed[n] = start(block) + gap * place
    return placed
