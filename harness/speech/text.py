"""One way of writing text, for transcripts, labels and scoring alike (docs/speech.md).

Every transcript passes through here once, when its manifest is made or read. What the trainer
learns, what it hears and what the host scores are spelled in this alphabet only, so that a word
error is never a matter of spelling.
"""

from __future__ import annotations

import re
import unicodedata

from harness.errors import InputError

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
"""Characters that remain after normalisation (27; with CTC's blank the model has 28 outputs)."""

_NOT_LETTERS = re.compile(r"[^a-z]+")
_APOSTROPHES = "'`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032\uff07"
_NO_APOSTROPHES = str.maketrans(dict.fromkeys(_APOSTROPHES, ""))
# letters that Unicode does not decompose, as English spells them
_LATIN = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "ħ": "h",
        "ŋ": "ng",
    }
)
_SPOKEN_SYMBOLS = frozenset("&%@#+=*/<>^|~\\")


def _plain(text: str) -> str:
    """Return the text in lower case, without apostrophes, marks and invisible characters."""
    text = unicodedata.normalize("NFKD", text.translate(_NO_APOSTROPHES)).casefold()
    # once more: folding case can make characters that decompose again
    text = unicodedata.normalize("NFKD", text).translate(_NO_APOSTROPHES).translate(_LATIN)
    return "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf"))


def normalise_text(text: str) -> str:
    """Return the text as the model spells it and WER counts it; any text will do.

    Unicode is decomposed and marks dropped, letters are lower-cased, apostrophes vanish
    ("don't" -> "dont"), every other run of characters outside a-z becomes one space, ends are
    trimmed. Digits, symbols and other scripts are dropped; ``transcript`` refuses them.
    """
    return _NOT_LETTERS.sub(" ", _plain(text)).strip()


def transcript(text: str, where: str = "") -> str:
    """Normalise what somebody said, if its letters tell all of it.

    Args:
        text: As written by a person.
        where: File and line, for the message.

    Raises:
        InputError: It has digits, symbols that are read aloud or letters outside the Latin
            alphabet (normalising would drop a word that was said), or no letter at all.
    """
    plain = _plain(text)
    digits = {c for c in (*text, *plain) if c.isnumeric()}
    if digits:
        raise InputError(
            f"the transcript has digits: {text!r}",
            where=where,
            hint='Write numbers as they are said: "twenty one", not "21".',
        )
    foreign = sorted({c for c in plain if c.isalpha() and not "a" <= c <= "z"})
    if foreign:
        names = ", ".join(f"{c!r} ({unicodedata.name(c, 'no name')})" for c in foreign[:3])
        raise InputError(
            f"the transcript has letters that the model cannot write: {names}",
            where=where,
            hint="Spell it with the letters a to z.",
        )
    symbols = sorted(
        {c for c in plain if c in _SPOKEN_SYMBOLS or unicodedata.category(c) in ("Sc", "So", "Sm")}
    )
    if symbols:
        raise InputError(
            f"the transcript has symbols that are read aloud: {' '.join(symbols)} in {text!r}",
            where=where,
            hint='Write them as words ("and", "percent"), or leave them out if nobody says them.',
        )
    normal = normalise_text(text)
    if not normal:
        raise InputError(f"the transcript has no letters of a-z: {text!r}", where=where)
    return normal
