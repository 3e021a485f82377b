"""One way of writing text, for transcripts, labels and scoring alike."""

from __future__ import annotations

import re
import unicodedata

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
"""Characters that remain after normalisation (27; with CTC's blank the model has 28 outputs)."""

_NOT_LETTERS = re.compile(r"[^a-z]+")


def normalise_text(text: str) -> str:
    """Return the text as the model spells it and WER counts it.

    Unicode is decomposed and marks dropped, letters are lower-cased, apostrophes vanish
    ("don't" -> "dont"), every other run of non-letters becomes one space, ends are trimmed.
    Digits are dropped: write numbers as words.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = plain.replace("'", "").replace("\u2019", "")
    return _NOT_LETTERS.sub(" ", plain).strip()
