"""Which characters a network writes (pure).

A flatbuffer's ``info`` and a model's manifest carry the alphabet; nothing else decides it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Final

ENGLISH: Final = " abcdefghijklmnopqrstuvwxyz"
"""Of every network that says nothing else: the space and a to z."""
_HIGHEST: Final = 0xFFFF
"""Code points above it are two characters in Java."""


def problem(alphabet: str) -> str:
    """Return why no network can write in an alphabet; empty if one can.

    Args:
        alphabet: Characters in the order of the outputs, the blank left out.
    """
    if " " not in alphabet or len(alphabet) < 2:
        return "must have a space, which parts words, and letters"
    twice = [repr(c) for c, count in Counter(alphabet).items() if count > 1]
    if twice:
        return f"has {', '.join(twice)} twice"
    for character in alphabet:
        if character == " ":
            continue
        if not character.isprintable() or character.isspace() or ord(character) > _HIGHEST:
            return f"cannot have U+{ord(character):04X}"
        if unicodedata.combining(character):
            return f"has a mark without its letter: U+{ord(character):04X}"
        if unicodedata.normalize("NFC", character) != character:
            return f"has {character!r} (U+{ord(character):04X}), another one in NFC"
        if character != character.lower():
            return f"has a capital letter: {character!r}"
    return ""


def in_words(alphabet: str) -> str:
    """Return an alphabet for a message: the 26 letters short, others as they are."""
    letters = alphabet.replace(" ", "")
    rest = "".join(c for c in letters if c not in ENGLISH)
    if set(ENGLISH) <= set(alphabet):
        return f"a-z and {rest}" if rest else "a-z"
    return letters
