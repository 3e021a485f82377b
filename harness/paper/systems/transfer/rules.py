"""Claims about transfer learning, judged by what was measured, with intervals."""

from __future__ import annotations

from collections.abc import Callable

from harness.paper.claims import Judged, Rule
from harness.paper.differences import NOTHING, together
from harness.paper.measure import Source
from harness.paper.systems.transfer.pairs import fine_tunings
from harness.results.wer_difference import wer_difference

HEARD = "es"
"""In the pre-training of ``models/ds2-small``, with French and English."""
NEAR = "it"
FAR = "de"


def _lower(language: str, *, swapped: bool = False) -> Rule:
    def rule(source: Source) -> Judged:
        differences = {}
        for fine in fine_tunings(source):
            if fine.language == language:
                random, multilingual = fine.heard
                pair = (multilingual, random) if swapped else (random, multilingual)
                differences[fine.name] = wer_difference(*pair)
        return together(differences)

    return rule


def fewer_epochs(source: Source) -> Judged:
    """Epochs to the loss that random weights come to, of each fine-tuning."""
    told, holds = [], True
    for fine in fine_tunings(source):
        found = fine.epochs_to_loss()
        if found is not None:
            loss, ours, theirs = found
            holds &= theirs is not None and theirs < ours
            told.append(f"{fine.name} (loss {loss:.1f}) {ours} and {theirs or 'never'}")
    if not told:
        return NOTHING
    return ("holds" if holds else "does not hold"), f"Epochs: {'; '.join(told)}."


def _unknown(why: str) -> Rule:
    return lambda _: ("cannot be said", why)


RULES: dict[str, Callable[[Source], Judged]] = {
    "heard_language_lower": _lower(HEARD),
    "near_language_lower": _lower(NEAR),
    "german_higher": _lower(FAR, swapped=True),
    "fewer_epochs": fewer_epochs,
    "domains": _unknown("One synthesiser is one domain."),
    "rare_words": _unknown("Of the 150 words that these voices say none is rare."),
}
"""The file's names -> what judges them."""
