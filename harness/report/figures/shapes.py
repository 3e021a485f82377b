"""Outlines of the marks that stand for sub-models (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

Outline = Sequence[tuple[float, float]]


def _ring(corners: int, *, inner: float = 1.0, turn: float = -90.0) -> Outline:
    """Return a regular polygon, or a star where every second corner is drawn in."""
    step = 360.0 / corners
    angles = (math.radians(turn + step * number) for number in range(corners))
    radii = (0.5 * (inner if number % 2 else 1.0) for number in range(corners))
    return [(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]


OUTLINES: dict[str, Outline] = {
    "o": _ring(16),
    "s": [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)],
    "^": [(0.0, -0.5), (0.5, 0.5), (-0.5, 0.5)],
    "v": [(0.0, 0.5), (0.5, -0.5), (-0.5, -0.5)],
    "<": [(-0.5, 0.0), (0.5, -0.5), (0.5, 0.5)],
    ">": [(0.5, 0.0), (-0.5, -0.5), (-0.5, 0.5)],
    "p": _ring(5),
    "h": _ring(6),
    "*": _ring(10, inner=0.382),
    "x": [
        *((-0.5, -0.35), (-0.35, -0.5), (0.0, -0.15), (0.35, -0.5), (0.5, -0.35), (0.15, 0.0)),
        *((0.5, 0.35), (0.35, 0.5), (0.0, 0.15), (-0.35, 0.5), (-0.5, 0.35), (-0.15, 0.0)),
    ],
}
"""Corners around (0, 0), y downwards, one unit wide."""


def points(marker: str, size: float) -> str:
    """Return a mark's corners as ``points`` of an SVG polygon around (0, 0)."""
    corners = ((x * size, y * size) for x, y in OUTLINES[marker])
    return " ".join(f"{value:.1f}".replace("-0.0", "0.0") for value in chain(*corners))
