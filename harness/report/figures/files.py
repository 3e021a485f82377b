"""A figure in a file of its own: SVG that any viewer shows, PDF for a paper; light colours."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from harness.report.figures.sheet import Drawn, Shape, Sheet, Words
from harness.report.style import FONT_PX, LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROLE = re.compile(r"var\(--([a-z0-9-]+)\)")
_FONT = "system-ui, 'Liberation Sans', Arial, sans-serif"
_PX = 72.0
"""Pixels an inch: a pixel is a point."""


def svg_file(drawn: Drawn) -> bytes:
    """Return a figure of a page as an SVG document."""
    sheet = drawn.sheet
    size = f'width="{sheet.width:g}" height="{sheet.height:g}"'
    style = (
        f"<style>text{{font:{FONT_PX:g}px {_FONT};fill:{LIGHT['ink']}}}"
        f".q,.q text{{fill:{LIGHT['soft']}}}path{{fill:none;stroke-linejoin:round}}</style>"
        f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>'
    )
    text = str(drawn).replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1)
    head, end, rest = text.partition("</desc>")
    coloured = _ROLE.sub(lambda match: LIGHT[match[1]], rest)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{end}{style}{coloured}\n'.encode()


def pdf_file(sheet: Sheet) -> bytes:
    """Return a sheet as a PDF of one page, drawn by matplotlib; text stays text."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with (
        mpl.rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}),
        warnings.catch_warnings(),
    ):
        # A name in letters that the font lacks shows boxes; SVG has them all
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(sheet.width / _PX, sheet.height / _PX), dpi=_PX)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, sheet.width)
        axes.set_ylim(sheet.height, 0)
        axes.axis("off")
        for item in sheet.items:
            if isinstance(item, Words):
                _text(axes, item)
            else:
                _shape(axes, item, sheet.height)
        out = io.BytesIO()
        figure.savefig(out, format="pdf", metadata={"CreationDate": None, "Creator": None})
    return out.getvalue()


def _text(axes: Axes, words: Words) -> None:
    axes.text(
        words.x,
        words.y,
        words.text,
        color=LIGHT[words.role],
        fontsize=words.size * 0.92,  # DejaVu is wider than a browser's sans
        ha=words.anchor,
        va="baseline",
        parse_math=False,
    )


def _shape(axes: Axes, shape: Shape, height: float) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    corners: list[tuple[float, float]] = []
    codes: list[np.uint8] = []
    for part in shape.parts:
        places = [(float(x), float(y)) for x, y in part]
        corners += [*places, places[0]] if shape.closed else places
        lines = [Outline.LINETO] * (len(places) - 1)
        codes += [Outline.MOVETO, *lines, *([Outline.CLOSEPOLY] if shape.closed else [])]
    patch = PathPatch(
        Outline(corners, codes),
        facecolor=LIGHT[shape.fill] if shape.fill else "none",
        edgecolor=LIGHT[shape.stroke] if shape.stroke else "none",
        linewidth=shape.width,
        linestyle=(0, shape.dash) if shape.dash else "-",
        alpha=shape.alpha,
        capstyle="round" if shape.round else "butt",
        joinstyle="round",
    )
    axes.add_patch(patch)
    if shape.clip is not None:
        from matplotlib.transforms import Bbox

        left, top, right, bottom = shape.clip
        # The sheet's y goes down, a page's goes up
        patch.set_clip_box(Bbox([[left, height - bottom], [right, height - top]]))
