"""A sheet of CSS pixels, y downwards, that matplotlib renders.

Figures place their marks here themselves instead of through matplotlib's axes: a strip of five
plots is drawn in a tenth of the time, which counts with hundreds of attempts, and every label is
where the page wants it. Marks carry the stand-in colours of `harness.report.style`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox

from harness.report.style import FONT_PX, paint
from harness.report.svg import page_svg

PX_PER_INCH = 72.0
Points = Sequence[float] | npt.NDArray[np.float64]
Anchor = Literal["left", "center", "right"]
Box = tuple[float, float, float, float]
"""left, top, right, bottom"""

DASHED = (0.0, (4.0, 3.0))
DOTTED = (0.0, (1.5, 2.0))
Dash = tuple[float, tuple[float, float]] | None


class Sheet:
    """A drawing of ``width`` by ``height`` CSS pixels."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        size = (width / PX_PER_INCH, height / PX_PER_INCH)
        self._figure = Figure(figsize=size, dpi=PX_PER_INCH)
        self._flip = Affine2D().scale(1, -1).translate(0, height)

    def _add(self, artist: Artist, clip: Box | None = None) -> None:
        if clip is not None:
            left, top, right, bottom = clip
            artist.set_clip_box(Bbox([[left, self.height - bottom], [right, self.height - top]]))
            artist.set_clip_on(True)
        self._figure.add_artist(artist)

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
        artist = Line2D(
            xs,
            ys,
            color=paint(role),
            linewidth=width,
            linestyle=dash or "-",
            alpha=alpha,
            transform=self._flip,
        )
        self._add(artist, clip)

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
        rim = paint(role) if hollow or not halo else paint("paper")
        artist = Line2D(
            xs,
            ys,
            linestyle="",
            marker=marker,
            markersize=size,
            markerfacecolor=paint("paper") if hollow else paint(role),
            markeredgecolor=rim,
            markeredgewidth=1.6 if hollow else halo,
            transform=self._flip,
        )
        self._add(artist, clip)

    def area(
        self,
        outlines: Sequence[Sequence[tuple[float, float]]],
        role: str,
        *,
        alpha: float | None = None,
    ) -> None:
        """Fill closed outlines, all of them as one element."""
        corners: list[tuple[float, float]] = []
        codes: list[np.uint8] = []
        for outline in outlines:
            corners += [*outline, outline[0]]
            codes += [Outline.MOVETO, *[Outline.LINETO] * (len(outline) - 1), Outline.CLOSEPOLY]
        self._add(
            PathPatch(
                Outline(corners, codes),
                facecolor=paint(role),
                edgecolor="none",
                alpha=alpha,
                transform=self._flip,
            )
        )

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
        artist = Text(
            x,
            y,
            text,
            color=paint(role),
            fontsize=size,
            ha=anchor,
            va="baseline",
            parse_math=False,
            transform=self._flip,
        )
        self._add(artist)

    def svg(self, name: str, title: str, desc: str) -> Markup:
        """Return the sheet as an element for the page; see `harness.report.svg.page_svg`."""
        return page_svg(self._figure, name, title, desc)
