"""A sheet of CSS pixels, y downwards, written as SVG: small, themed by CSS, with ids of its own.

Figures place their marks here themselves: every label is where the page wants it, and a strip of
five plots takes a few milliseconds and kilobytes, which counts with hundreds of attempts. Colours
are CSS variables of `harness.report.style`, so that one SVG serves light, dark and print; text
stays text. What was drawn is kept in `items`, for a figure in a file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from harness.report.figures.lines import Box, Points, leaves, simplified, unbroken
from harness.report.figures.shapes import OUTLINES
from harness.report.style import FONT_PX
from harness.report.text import clean

Anchor = Literal["left", "center", "right"]

DASHED = (4.0, 3.0)
DOTTED = (1.5, 2.0)
Dash = tuple[float, float] | None

COARSE_PX = 1.5
"""Where no decimals of a pixel are kept, lines lose corners that stand out by less."""

_ANCHORS = {"left": "", "center": ' text-anchor="middle"', "right": ' text-anchor="end"'}


@dataclass(frozen=True)
class Shape:
    """Lines or closed outlines of one look.

    Attributes:
        parts: Corners of each line or outline, [N, 2] pixels.
        closed: Whether they are outlines.
        fill: Role of the inside; None = not filled.
        stroke: Role of the line; None = not drawn.
        width: Of the line.
        dash: Of the line.
        alpha: Of the inside or, where nothing is filled, of the line.
        round: Ends of lines are round; a line without length is a dot.
        clip: Nothing is drawn outside of it.
        run: Whose it is, see `Sheet.run`.
    """

    parts: tuple[npt.NDArray[np.float64], ...]
    closed: bool = False
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dash: Dash = None
    alpha: float | None = None
    round: bool = False
    clip: Box | None = None
    run: int = 0


@dataclass(frozen=True)
class Words:
    """One line of text; ``y`` is its baseline."""

    x: float
    y: float
    text: str
    role: str
    anchor: Anchor
    size: float
    run: int = 0


class Drawn(Markup):
    """A figure for a page that still knows its sheet, for a file of its own."""

    sheet: Sheet

    def __new__(cls, svg: str, sheet: Sheet) -> Drawn:
        """Take SVG whose texts were escaped."""
        made = super().__new__(cls, svg)
        made.sheet = sheet
        return made


@dataclass
class Sheet:
    """A drawing of ``width`` by ``height`` CSS pixels."""

    width: float
    height: float
    digits: int = 1
    """Decimals of a pixel that are kept."""
    items: list[Shape | Words] = field(default_factory=list)
    run: int = 0
    """Number of the run whose marks are drawn now, so that a page can hide them; 0 is nobody's."""

    def line(
        self,
        xs: Points,
        ys: Points,
        role: str,
        *,
        width: float = 1.0,
        dash: Dash = None,
        alpha: float | None = None,
        clip: Box | None = None,
    ) -> None:
        """Draw a line; NaN breaks it."""
        parts = unbroken(xs, ys)
        if not self.digits:
            parts = tuple(simplified(part, COARSE_PX) for part in parts)
        if parts:
            self.items.append(
                Shape(
                    parts, stroke=role, width=width, dash=dash, alpha=alpha, clip=clip, run=self.run
                )
            )

    def marks(
        self,
        xs: Points,
        ys: Points,
        role: str,
        marker: str,
        *,
        size: float = 6.0,
        hollow: bool = False,
        halo: float = 0.0,
        clip: Box | None = None,
    ) -> None:
        """Draw one mark a point, with a rim of ``halo`` pixels of paper around it."""
        centres = np.column_stack([xs, ys]).astype(np.float64)
        centres = centres[np.isfinite(centres).all(axis=1)]
        if not len(centres):
            return
        if marker == "o" and not hollow:
            dots = tuple(np.vstack([centre, centre]) for centre in centres)
            if halo:
                rim = Shape(
                    dots, stroke="paper", width=size + 2 * halo, round=True, clip=clip, run=self.run
                )
                self.items.append(rim)
            self.items.append(
                Shape(dots, stroke=role, width=size, round=True, clip=clip, run=self.run)
            )
            return
        outline = np.asarray(OUTLINES[marker]) * size
        self.items.append(
            Shape(
                tuple(centre + outline for centre in centres),
                closed=True,
                fill="paper" if hollow else role,
                stroke=role if hollow else ("paper" if halo else None),
                width=1.6 if hollow else halo,
                clip=clip,
                run=self.run,
            )
        )

    def area(
        self,
        outlines: Sequence[Sequence[tuple[float, float]]],
        role: str,
        *,
        alpha: float | None = None,
    ) -> None:
        """Fill closed outlines, all of them as one element."""
        parts = tuple(np.asarray(outline, dtype=np.float64) for outline in outlines)
        self.items.append(Shape(parts, closed=True, fill=role, alpha=alpha, run=self.run))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        role: str = "ink",
        *,
        anchor: Anchor = "left",
        size: float = FONT_PX,
    ) -> None:
        """Write a line of text; ``y`` is its baseline."""
        self.items.append(Words(x, y, text, role, anchor, size, self.run))

    def svg(self, name: str, title: str, desc: str) -> Drawn:
        """Return the sheet as an ``<svg>`` element for HTML.

        Args:
            name: Prefix of all ids, unique on the page.
            title: What a screen reader says first.
            desc: What the figure shows, in a sentence or two.
        """
        box = f"0 0 {_plain(self.width)} {_plain(self.height)}"
        head = (
            f'<svg viewBox="{box}" style="--w:{_plain(self.width)}px" role="img" '
            f'aria-labelledby="{name}-t {name}-d">'
            f'<title id="{name}-t">{escape(clean(title))}</title>'
            f'<desc id="{name}-d">{escape(clean(desc))}</desc>'
        )
        return Drawn(head + self.body(name) + "</svg>", self)  # every text in it was escaped

    def body(self, name: str) -> str:
        """Return what was drawn as SVG elements; ids begin with ``name``."""
        clips: dict[Box, str] = {}
        out: list[str] = []
        for look, group in groupby(self.items, key=_look):
            if look is not None:
                out.append(self._texts(look, [item for item in group if isinstance(item, Words)]))
                continue
            for item in group:
                assert isinstance(item, Shape)
                clip = ""
                if item.clip is not None and leaves(item.parts, item.clip):
                    clip = clips.setdefault(item.clip, f"{name}-c{len(clips)}")
                out.append(self._shape(item, clip))
        return "".join(self._clip_path(box, key) for box, key in clips.items()) + "".join(out)

    def _clip_path(self, box: Box, key: str) -> str:
        left, top, right, bottom = box
        return (
            f'<clipPath id="{key}"><rect x="{_plain(left)}" y="{_plain(top)}" '
            f'width="{_plain(right - left)}" height="{_plain(bottom - top)}"/></clipPath>'
        )

    def _shape(self, shape: Shape, clip: str) -> str:
        style = [f"fill:var(--{shape.fill})"] if shape.fill else []
        if shape.stroke:
            style.append(f"stroke:var(--{shape.stroke})")
        attributes = [f'd="{"".join(self._path(part, shape.closed) for part in shape.parts)}"']
        if shape.stroke and shape.width != 1:
            attributes.append(f'stroke-width="{_plain(shape.width)}"')
        if shape.dash:
            attributes.append(f'stroke-dasharray="{" ".join(_plain(part) for part in shape.dash)}"')
        if shape.alpha is not None:
            attributes.append(f'opacity="{shape.alpha:g}"')
        if shape.round:
            attributes.append('stroke-linecap="round"')
        if clip:
            attributes.append(f'clip-path="url(#{clip})"')
        if shape.run:
            attributes.append(f'data-run="{shape.run}"')
        return f'<path {" ".join(attributes)} style="{";".join(style)}"/>'

    def _path(self, corners: npt.NDArray[np.float64], closed: bool) -> str:
        """Return a path in steps from corner to corner, which are short numbers."""
        scale = 10**self.digits
        places = np.rint(corners * scale).astype(np.int64)
        steps = np.diff(places, axis=0)
        steps = steps[steps.any(axis=1)]
        if len(steps) > 2:
            # Corners on a straight line say nothing
            cross = steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]
            same = (cross == 0) & ((steps[:-1] * steps[1:]).sum(axis=1) > 0)
            steps = np.add.reduceat(steps, np.flatnonzero(np.r_[True, ~same]))
        start = f"M{_joined(places[0].tolist(), scale)}"
        if not len(steps):
            return f"{start}h0"
        commands = [start]
        before = ""
        for x, y in steps.tolist():
            kind = "h" if y == 0 else "v" if x == 0 else "l"
            text = _joined([value for value in (x, y) if value], scale)
            commands.append(
                f"{kind}{text}" if kind != before else text if text[0] == "-" else f" {text}"
            )
            before = kind
        return "".join(commands) + ("z" if closed else "")

    def _texts(self, look: str, words: Sequence[Words]) -> str:
        """Return texts of one look, which is said once."""
        if len(words) == 1:
            return f"<text {self._place(words[0])}{look}>{escape(clean(words[0].text))}</text>"
        every = (f"<text {self._place(word)}>{escape(clean(word.text))}</text>" for word in words)
        return f"<g{look}>{''.join(every)}</g>"

    def _place(self, words: Words) -> str:
        if not self.digits:
            return f'x="{words.x:.0f}" y="{words.y:.0f}"'
        return f'x="{_plain(words.x)}" y="{_plain(words.y)}"'


def _look(item: Shape | Words) -> str | None:
    """Return the attributes of a text beside its place, None for what is no text."""
    if isinstance(item, Shape):
        return None
    look = _ANCHORS[item.anchor] + (' class="q"' if item.role == "soft" else "")
    style = f"fill:var(--{item.role})" if item.role not in ("ink", "soft") else ""
    if item.size != FONT_PX:
        style += f"{';' if style else ''}font-size:{_plain(item.size)}px"
    look += f' data-run="{item.run}"' if item.run else ""
    return look + (f' style="{style}"' if style else "")


def _joined(values: Sequence[int], scale: int) -> str:
    """Return numbers, each divided by ``scale``, with no more between them than must be."""
    numbers_text = ""
    for value in values:
        whole, part = divmod(abs(value), scale)
        digits = f".{part:0{len(str(scale)) - 1}d}".rstrip("0") if part else ""
        sign = "-" if value < 0 else " " if numbers_text else ""
        numbers_text += f"{sign}{whole if whole or not digits else ''}{digits}"
    return numbers_text


def _plain(value: float) -> str:
    """Return a number with at most one decimal."""
    return f"{math.floor(value * 10 + 0.5) / 10:g}"
