"""Whether a model can write what was said."""

from __future__ import annotations

from collections.abc import Iterable

from harness.contract.alphabet import in_words
from harness.errors import InputError
from harness.speech.manifest import Utterance


def check_letters(
    utterances: Iterable[Utterance], alphabet: str, model: str, *, fold: str = ""
) -> None:
    """Check that a model has the letters of all transcripts.

    Args:
        utterances: What was said.
        alphabet: What the model writes.
        model: Its name, for the message.
        fold: How to have accents folded, for the hint: an option or a field.

    Raises:
        InputError: It lacks some: which, and in which utterance first.
    """
    known = set(alphabet)
    strange = {u: sorted(set(u.text) - known) for u in utterances if not known >= set(u.text)}
    if not strange:
        return
    first = next(iter(strange))
    letters = sorted({letter for lacking in strange.values() for letter in lacking})
    more = f", as in {len(strange) - 1} more" if len(strange) > 1 else ""
    ways = ["use a model that keeps accents (`harness model pretrain --accents kept` makes one)"]
    if fold:
        ways.insert(0, f"give {fold}, which spells with a to z")
    hint = ", or ".join(ways)
    raise InputError(
        f"{first.id} does not fit the model {model}, which writes {in_words(alphabet)} and not "
        f"{', '.join(map(repr, letters))}: {first.text!r}{more}",
        where=f"data: {first.audio}",
        hint=f"{hint[0].upper()}{hint[1:]}.",
    )
