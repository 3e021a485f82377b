"""Federated Pruning (arXiv 2209.06359): WER by level and pattern, and what phones save."""

from __future__ import annotations

from pathlib import Path

from harness.paper.claims import Book
from harness.paper.items import Experiment, Item
from harness.paper.system import System
from harness.paper.systems.federated_pruning import tables
from harness.paper.systems.federated_pruning.rules import RULES


def _matrix(*prunings: str) -> str:
    entries = ", ".join(f"{{federated.pruning: {{{pruning}}}}}" for pruning in prunings)
    return f"matrix={{include: [{entries}]}}"


_PATTERNS = tuple(
    f"level: 0.3, pattern: {pattern}, masked: true"
    for pattern in ("input_unit", "half_input_unit", "output_unit", "half_output_unit")
)
_SMALL = ("data.validation=40", "federated.rounds=2")
_LEVELS = Experiment(
    "federated_pruning",
    (
        # the third voice makes no mistake from the start, so that nothing could be told of it
        "federated.clients={speakers: [ind-female, uk-male]}",
        *_SMALL,
        _matrix(
            "level: 0",
            "level: 0.3",
            "level: 0.5",
            "level: 0.3, masked: true",
            *_PATTERNS,
            f"{_PATTERNS[0]}, density: by_parameters",
        ),
    ),
)
_CONFORMER = Experiment(
    "federated_pruning_conformer", (*_SMALL, _matrix("level: 0", "level: 0.5", *_PATTERNS))
)

_OF_LEVELS, _OF_CONFORMER = _LEVELS.key, _CONFORMER.key

SYSTEM = System(
    name="federated-pruning",
    title="Federated Pruning",
    source="Federated Pruning (arXiv 2209.06359), of which two tables were images and are lost; "
    "[text]: its tables and text, as a summary has them; [page]: the first part of a public copy, "
    "ar5iv.org/abs/2209.06359; [run]: counted from those",
    scales={
        "quick": "small models, two voices, two rounds",
        "full": "small models, all levels and patterns",
    },
    experiments=(_LEVELS, _CONFORMER),
    makers={
        Item("size", "Size: the paper’s network"): tables.size,
        Item("levels", "Levels: WER by level", _OF_LEVELS): tables.levels,
        Item("cost", "Cost: what a phone saves", _OF_LEVELS): tables.sizes,
        Item("patterns", "Patterns: rows, columns, halves", _OF_LEVELS): tables.patterns,
        Item("adaptive", "Adaptive: levels by layer", _OF_LEVELS): tables.adaptive,
        Item("methods", "Methods: what units are ranked by", _OF_LEVELS): tables.methods,
        Item("refinement", "Refinement: what may grow back", _OF_LEVELS): tables.refinement,
        Item("conformer", "Conformer: rows and columns", _OF_CONFORMER): tables.conformer,
        Item("unknown", "Unknown: what could not be read"): tables.printed,
    },
    claims=Book(Path(__file__).with_name("claims.yaml"), RULES),
)
