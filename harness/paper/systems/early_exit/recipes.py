"""Models whose trainings are compared: by name, as a run has them."""

from __future__ import annotations

from typing import Final

JOINT: Final = "conformer-mini"
"""All exits' losses from the beginning."""
SINGLE: Final = {"first": "conformer-mini-first", "last": "conformer-mini-last"}
"""Only the loss of the first exit, or of the last."""
PLAIN: Final = SINGLE["last"]
ADDED: Final = "conformer-mini-added"
"""Exits added to `PLAIN` and all of it trained on."""


def training_of(model: str) -> str:
    """Return how a model was trained in a word, for a line of a figure; else its name."""
    return "joint" if model == JOINT else model.removeprefix(f"{JOINT}-")


def trained_places(model: str, exits: int) -> tuple[int, ...]:
    """Return the exits of a model that were trained, by place; what the others say means nothing.

    Args:
        model: Its name.
        exits: How many it has.
    """
    of = {SINGLE["first"]: (0,), SINGLE["last"]: (exits - 1,)}
    return of.get(model, tuple(range(exits)))
