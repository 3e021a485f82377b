"""Colours of sub-models from the largest to the smallest, however many there are (pure).

Even steps in OKLCH lightness and hue (blue over magenta to amber) between eight anchors. Lightness
alone keeps neighbours apart for every kind of colour blindness; each shade has a contrast of 3:1 or
more with its background (WCAG 1.4.11), which tests/unit/report/test_style.py computes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

_LIGHT = (
    "#0a0f76", "#3a127f", "#62157f", "#861b78", "#a7255c", "#bf3a41", "#d1560f", "#cc7f03",
)  # fmt: skip
_DARK = (
    "#4f6dcc", "#836fd4", "#af71d0", "#d577c2", "#f580ac", "#ff9999", "#ffb497", "#ffcd9d",
)  # fmt: skip

_BETWEEN: Final = 6
"""Steps from one anchor to the next: up to `SHADES` sub-models all differ, eight are the anchors.
"""
SHADES: Final = (len(_LIGHT) - 1) * _BETWEEN + 1

Triple = tuple[float, float, float]

_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_FROM_LAB = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_FROM_LMS = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def shade_of(place: int, count: int) -> int:
    """Return which shade a sub-model has.

    Args:
        place: In the order from largest to smallest, from 0.
        count: Sub-models of its network.
    """
    return round(place * (SHADES - 1) / max(count - 1, 1))


def _times(rows: Sequence[Triple], column: Triple) -> Triple:
    first, second, third = (sum(a * b for a, b in zip(row, column, strict=True)) for row in rows)
    return first, second, third


def _oklch(colour: str) -> Triple:
    """Return lightness, chroma and hue (radians) of ``#rrggbb`` (Ottosson 2020)."""
    red, green, blue = (_linear(int(colour[n : n + 2], 16) / 255) for n in (1, 3, 5))
    first, second, third = (math.cbrt(part) for part in _times(_TO_LMS, (red, green, blue)))
    light, a, b = _times(_TO_LAB, (first, second, third))
    return light, math.hypot(a, b), math.atan2(b, a)


def _hex(lch: Triple) -> str:
    light, chroma, hue = lch
    lab = (light, chroma * math.cos(hue), chroma * math.sin(hue))
    first, second, third = (part**3 for part in _times(_FROM_LAB, lab))
    return "#" + "".join(f"{_byte(part):02x}" for part in _times(_FROM_LMS, (first, second, third)))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _byte(part: float) -> int:
    inside = min(1.0, max(0.0, part))
    shown = 12.92 * inside if inside <= 0.0031308 else 1.055 * inside ** (1 / 2.4) - 0.055
    return round(255 * shown)


def _ramp(anchors: Sequence[str]) -> tuple[str, ...]:
    shades = [anchors[0]]
    for low, high in pairwise(anchors):
        begin, end = _oklch(low), _oklch(high)
        turn = math.remainder(end[2] - begin[2], math.tau)  # the short way round
        for step in range(1, _BETWEEN):
            share = step / _BETWEEN
            light = begin[0] + share * (end[0] - begin[0])
            chroma = begin[1] + share * (end[1] - begin[1])
            shades.append(_hex((light, chroma, begin[2] + share * turn)))
        shades.append(high)
    return tuple(shades)


RAMP_LIGHT: Final = _ramp(_LIGHT)
RAMP_DARK: Final = _ramp(_DARK)
