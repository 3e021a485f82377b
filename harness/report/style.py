"""Colours, markers and sizes of the figures: a sub-model looks the same everywhere.

Figures name roles; their colours are CSS variables, so that one SVG serves light, dark and print.
`LIGHT` and `DARK` hold what the variables are; the style sheet is made from them.
"""

from __future__ import annotations

from typing import Final

SUB_MODELS: Final = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")

# S1 to S8: even steps in OKLCH lightness and hue (blue over magenta to amber). Lightness alone
# keeps them apart for every kind of colour blindness; each has a contrast of 3:1 or more with its
# background (WCAG 1.4.11), which tests/unit/report/test_style.py computes.
_RAMP_LIGHT = (
    "#0a0f76", "#3a127f", "#62157f", "#861b78", "#a7255c", "#bf3a41", "#d1560f", "#cc7f03",
)  # fmt: skip
_RAMP_DARK = (
    "#4f6dcc", "#836fd4", "#af71d0", "#d577c2", "#f580ac", "#ff9999", "#ffb497", "#ffcd9d",
)  # fmt: skip

PHASES: Final = ("preprocess", "load", "train", "evaluate", "save")


def _heat(*ramp: str) -> dict[str, str]:
    """Name the shades of a map: one hue, from near the paper to far from it."""
    return {f"h{number}": colour for number, colour in enumerate(ramp)}


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
    **{name.lower(): colour for name, colour in zip(SUB_MODELS, _RAMP_LIGHT, strict=True)},
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
    **{name.lower(): colour for name, colour in zip(SUB_MODELS, _RAMP_DARK, strict=True)},
}

MARKERS: Final[dict[str, str]] = dict(
    zip(SUB_MODELS, ("o", "v", "<", "p", "s", ">", "h", "^"), strict=True)
)
"""A shape beside the colour, for those who see no colours."""

FONT_PX: Final = 11.0


def role_of(sub_model: str | None) -> str:
    """Return the colour role of a sub-model; ``soft`` where none was chosen."""
    return sub_model.lower() if sub_model in SUB_MODELS else "soft"


def marker_of(sub_model: str | None) -> str:
    """Return the marker of a sub-model."""
    return MARKERS.get(sub_model or "", "x")


def css_variables(colours: dict[str, str]) -> str:
    """Return the colours as CSS declarations."""
    return "".join(f"--{role}:{colour};" for role, colour in colours.items())
