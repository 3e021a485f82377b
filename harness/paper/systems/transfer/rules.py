"""Claims about transfer learning, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.paper.claims import Judged, Rule
from harness.paper.differences import NOTHING, together
from harness.paper.measure import Source
from harness.paper.systems.transfer.pairs import (
    MULTILINGUAL,
    WITHOUT,
    fine_tunings,
    recipes,
)
from harness.results.wer_difference import wer_difference

HEARD: Final = "es"
"""In the pre-training of ``models/ds2-small``, with French and English."""
NEAR: Final = "it"
SPANISH: Final = "es"
GERMAN: Final = "de"
"""Neither is in the pre-training of ``models/ds2-small-en-it-fr``."""


def _lower(language: str, baseline: str = MULTILINGUAL, *, swapped: bool = False) -> Rule:
    def rule(source: Source) -> Judged:
        differences = {}
        for fine in fine_tunings(source, new=baseline):
            if fine.language == language:
                random, pre_trained = fine.heard
                pair = (pre_trained, random) if swapped else (random, pre_trained)
                differences[fine.name] = wer_difference(*pair)
        return together(differences)

    return rule


def _recipe_lower(base: str, new: str) -> Rule:
    def rule(source: Source) -> Judged:
        pairs = recipes(source, base, new)
        return together({name: wer_difference(*pair.heard_before) for name, pair in pairs.items()})

    return rule


def fewer_epochs(source: Source) -> Judged:
    """Epochs to the loss that random weights come to, of each fine-tuning."""
    told, holds = [], True
    for fine in fine_tunings(source):
        found = fine.to_loss()
        if found is not None:
            loss, ours, theirs = found
            holds &= theirs is not None and theirs.epoch < ours.epoch
            end = "never" if theirs is None else theirs.epoch
            told.append(f"{fine.name} (loss {loss:.1f}) {ours.epoch} and {end}")
    if not told:
        return NOTHING
    return ("holds" if holds else "does not hold"), f"Epochs: {'; '.join(told)}."


def _unknown(why: str) -> Rule:
    return lambda _: ("cannot be said", why)


RULES: dict[str, Callable[[Source], Judged]] = {
    "heard_language_lower": _lower(HEARD),
    "near_language_lower": _lower(NEAR),
    "spanish_lower": _lower(SPANISH, WITHOUT),
    "german_higher": _lower(GERMAN, WITHOUT, swapped=True),
    "c_below_a": _recipe_lower("A", "C"),
    "c_below_b": _recipe_lower("B", "C"),
    "fewer_epochs": fewer_epochs,
    "domains": _unknown("One synthesiser is one domain, at whatever rate and pitch it speaks."),
    "rare_words": _unknown("Of the 150 words that these voices say none is rare."),
}
"""The file's names -> what judges them."""
