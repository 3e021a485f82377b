"""Names of speakers as scenarios write them, one for each person and the same each time (pure)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from harness.errors import InputError

LONGEST: Final = 60
_PLAIN = re.compile(rf"[a-z0-9](?:[a-z0-9._-]{{0,{LONGEST - 2}}}[a-z0-9])?")
_DIGEST_LETTERS: Final = 8


def speaker_name(raw: str) -> str:
    """Return a speaker's name as scenarios write it: a-z, 0-9, dots, dashes and underscores.

    "Anna B" is ``anna-b``. A name that cannot be written so without loss (another script, accents,
    over 60 letters) keeps what can be written, and a digest of the whole: two people never become
    one. Two names that differ in case or in a space alone are told apart by `told_apart`.

    Raises:
        InputError: It has no letter and no digit of any script.
    """
    name = _spaced(raw)
    if not any(character.isalnum() for character in name):
        raise InputError(f"{raw!r} is no name for a speaker", hint="Use letters a-z and digits.")
    plain = name.casefold().replace(" ", "-")
    return plain if _PLAIN.fullmatch(plain) else _escaped(name)


def told_apart(spelling: str, sharing: int) -> str:
    """Return the name of somebody among several people whose `speaker_name` is the same.

    Args:
        spelling: As `person` has it.
        sharing: How many people they are.
    """
    name = speaker_name(spelling)
    return name if sharing == 1 or spelling == name else _escaped(spelling)


def person(raw: str) -> str:
    """Return by what somebody is known: the name in NFC, single spaces."""
    return _spaced(raw)


def _spaced(raw: str) -> str:
    return " ".join(unicodedata.normalize("NFC", raw).split())


def _escaped(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    readable = re.sub(
        r"[^a-z0-9._-]+", "-", "".join(c for c in letters if not unicodedata.combining(c))
    )
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LETTERS]
    room = LONGEST - len(digest) - 1
    stem = readable.strip("-._")[:room].strip("-._") or "speaker"
    return f"{stem}-{digest}"
