"""Colours, markers and sizes of the figures: a sub-model looks the same everywhere.

Figures name roles; their colours are CSS variables, so that one SVG serves light, dark and print.
`LIGHT` and `DARK` hold what the variables are; the style sheet is made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.report.ramp import RAMP_DARK, RAMP_LIGHT

PHASES: Final = ("preprocess", "load", "train", "evaluate", "save")


def _heat(*ramp: str) -> dict[str, str]:
    """Name the shades of a map: one hue, from near the paper to far from it."""
    return {f"h{number}": colour for number, colour in enumerate(ramp)}


def _sub_models(ramp: Sequence[str]) -> dict[str, str]:
    """Name the shades of sub-models, from the largest to the smallest."""
    return {f"s{number}": colour for number, colour in enumerate(ramp)}


LIGHT: Final[dict[str, str]] = {
    "paper": "#ffffff",
    "ink": "#1b1e23",
    "soft": "#565d68",
    "rule": "#8a919c",
    "grid": "#e3e6ea",
    "phone": "#59616d",
    "bad": "#b3261e",
    "good": "#17663a",
    "phase-preprocess": "#d5e3f3",
    "phase-load": "#e4dcf1",
    "phase-train": "#e9e6de",
    "phase-evaluate": "#d8ebe2",
    "phase-save": "#f3dfd6",
    **_heat("#f1f5fa", "#d9e5f2", "#bfd4ea", "#a4c2e1", "#88b0d8", "#6d9dce"),
    **_sub_models(RAMP_LIGHT),
}
DARK: Final[dict[str, str]] = {
    "paper": "#14171c",
    "ink": "#e8eaed",
    "soft": "#a6adb8",
    "rule": "#767e8a",
    "grid": "#2b3038",
    "phone": "#aab1bc",
    "bad": "#ff8a80",
    "good": "#7fd6a4",
    "phase-preprocess": "#22344a",
    "phase-load": "#352b4a",
    "phase-train": "#33312a",
    "phase-evaluate": "#1f3b30",
    "phase-save": "#47302a",
    **_heat("#1a222d", "#1e2f42", "#223d59", "#264b70", "#2b5988", "#3067a0"),
    **_sub_models(RAMP_DARK),
}

MARKERS: Final = ("o", "v", "<", "p", "s", ">", "h", "^")
"""Shapes beside the colours, for those who see no colours."""
NO_MARKER: Final = "x"
"""Where no sub-model was chosen."""

FONT_PX: Final = 11.0


def css_variables(colours: dict[str, str]) -> str:
    """Return the colours as CSS declarations."""
    return "".join(f"--{role}:{colour};" for role, colour in colours.items())
