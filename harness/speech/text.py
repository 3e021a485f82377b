"""One way of writing text, for transcripts, labels and scoring alike (docs/speech.md).

Every transcript passes through here once, when its manifest is made or read. What the trainer
learns, what it hears and what the host scores are spelled in one way only, so that a word error is
never a matter of spelling.

The rules, in this order (docs/speech.md shows them), where a language's ``Spelling`` has no letters
beside a to z; those that it has are lower-cased in Unicode's composed form (NFC) and stay:

1. Apostrophes of every kind vanish.
2. Characters without width that part words (U+200B and its like) are a space; other invisible
   ones vanish.
3. What is decomposed by Unicode loses its marks; letters are lower-cased.
4. Letters that Unicode does not decompose are spelled as English does.
5. Every other run of characters outside a-z is one space.

`transcript` refuses what these rules would guess at: digits, symbols, letters of other scripts and
annotations.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal

from harness.contract.alphabet import ENGLISH, in_words
from harness.errors import InputError

Annotations = Literal["refuse", "keep", "drop"]
"""What to do with words in brackets or between stars: nobody knows whether they were said."""

Accents = Literal["kept", "folded"]
"""Whether a language's own letters stay as they are written, or are spelled with a to z."""

APOSTROPHE: Final = "'"
APOSTROPHES: Final = (
    "'`\u00b4"  # typewriter's, grave, acute
    "\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u02ee\u02f4"  # modifiers
    "\u0384\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\u1ffe"  # Greek, Armenian, Hebrew, N'Ko
    "\u2018\u2019\u201b\u2032\u2035\ua78b\ua78c\uff07\uff40"  # quotes, primes, saltillo, full width
)
"""Characters that are written for an apostrophe."""


@dataclass(frozen=True)
class Spelling:
    """How a language is written.

    Attributes:
        letters: Those beside a to z that stay as they are.
        folds: How such a letter is spelled with a to z, if it is not the letter without its mark.
        apostrophe: ``letter``: between two letters it is one of them, and a space where letters
            are folded; ``dropped``: it vanishes.
        number: How a number is said, for messages: (``ventuno``, 21).
    """

    letters: str = ""
    folds: Mapping[str, str] = field(default_factory=dict)
    apostrophe: Literal["letter", "dropped"] = "dropped"
    number: tuple[str, int] = ("twenty one", 21)

    @property
    def kept(self) -> str:
        """Characters beside a to z and the space that a transcript may have."""
        return self.letters + (APOSTROPHE if self.apostrophe == "letter" else "")


PLAIN: Final = Spelling()
"""English, and every transcript of which no language is known."""

WORD_BREAKS: Final = "\u180e\u200b\ufff9\ufffa\ufffb\ufffc"
"""Invisible characters (category Cf) that stand between words, and the object placeholder."""

_NOT_PLAIN = re.compile(r"[^a-z]+")
_FIRST = str.maketrans({**dict.fromkeys(APOSTROPHES, ""), **dict.fromkeys(WORD_BREAKS, " ")})
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
_SPOKEN_SYMBOLS = frozenset("&%@#+=*/<>^|~\\\u00a7\u066a\u2030\u2031\u0609\u060a")
# a character that stands for letters or digits set small, in a ring or in a square
_SET_APART = ("<super>", "<sub>", "<circle>", "<square>", "<fraction>")
_ANNOTATION = re.compile(
    r"""\[[^\[\]]*\] | \([^()]*\) | \{[^{}]*\} | <[^<>]*>   # [laughter] (coughs) {breath} <unk>
      | (?<![^\W_])\*+[^*\s][^*]*\*+(?![^\W_])               # *um*
      | [\uff08\u3010\u300c][^\uff09\u3011\u300d]*[\uff09\u3011\u300d]  # full-width brackets
    """,
    re.VERBOSE,
)
_LONE_BRACKET = re.compile(r"[\[\](){}\uff08\uff09\u3010\u3011]")


def _is_symbol(character: str) -> bool:
    """Tell whether a character is none of words: read aloud somehow, or a mark of trade."""
    if character in _SPOKEN_SYMBOLS or unicodedata.category(character) in ("Sc", "So", "Sm"):
        return True
    return unicodedata.decomposition(character).startswith(_SET_APART)


def _lower(text: str, spelling: Spelling) -> str:
    """Return the text in lower case, without marks and invisible characters.

    A spelling's own letters, and apostrophes that are letters, stay.
    """
    if spelling.apostrophe == "letter":
        text = text.translate(dict.fromkeys(map(ord, APOSTROPHES), APOSTROPHE))
    if not spelling.kept:
        return _plain(text)
    runs = groupby(unicodedata.normalize("NFC", text), lambda c: c.lower() in spelling.kept)
    parts = ((kept, "".join(characters)) for kept, characters in runs)
    return "".join(part.lower() if kept else _plain(part) for kept, part in parts)


def _plain(text: str) -> str:
    """Return the text in lower case, without apostrophes, marks and invisible characters."""
    text = unicodedata.normalize("NFKD", text.translate(_FIRST)).casefold()
    # once more: folding case can make characters that decompose again
    text = unicodedata.normalize("NFKD", text).translate(_FIRST).translate(_LATIN)
    return "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf"))


def normalise_text(text: str, spelling: Spelling = PLAIN) -> str:
    """Return the text as the model spells it and WER counts it; any text will do.

    Apostrophes vanish ("don't" -> "dont"), marks too, letters are lower-cased, every other run of
    characters outside a-z becomes one space, ends are trimmed. Digits, symbols and other scripts
    are dropped; ``transcript`` refuses them.

    Args:
        text: As somebody wrote it.
        spelling: Of its language, whose own letters stay.
    """
    lower = _lower("".join(" " if _is_symbol(c) else c for c in text), spelling)
    normal = re.sub(rf"[^a-z{re.escape(spelling.kept)}]+", " ", lower)
    if spelling.apostrophe == "letter":  # as a quotation mark it is none
        normal = re.sub(rf"(?<![^\W_]){APOSTROPHE}+|{APOSTROPHE}+(?![^\W_])", " ", normal)
    return " ".join(normal.split())


def folded(text: str, spelling: Spelling) -> str:
    """Return a normalised text with the letters a to z only.

    Args:
        text: As ``normalise_text`` leaves it.
        spelling: Of its language.
    """
    if not spelling.kept:
        return text
    letters = {ord(c): spelling.folds.get(c, _plain(c)) for c in spelling.letters}
    return _NOT_PLAIN.sub(" ", text.translate({**letters, ord(APOSTROPHE): " "})).strip()


def annotations_in(text: str) -> list[str]:
    """Return what stands in brackets or between stars, and brackets without a partner."""
    annotations = [match.group() for match in _ANNOTATION.finditer(text)]
    return annotations + _LONE_BRACKET.findall(_ANNOTATION.sub(" ", text))


def transcript(
    text: str,
    where: str = "",
    annotations: Annotations = "refuse",
    spelling: Spelling = PLAIN,
) -> str:
    """Normalise what somebody said, if its letters tell all of it.

    Args:
        text: As written by a person.
        where: File and line, for the message.
        annotations: What to do with "[laughter]" and the like: ``keep`` takes the words for said,
            ``drop`` leaves them out.
        spelling: Of the language that was spoken.

    Raises:
        InputError: It has annotations, digits, symbols or letters outside the Latin alphabet
            (normalising would drop or add a word), or no letter at all.
    """
    written = text
    if annotations == "drop":
        text = _ANNOTATION.sub(" ", text)
    elif annotations == "keep":
        text = re.sub(r"[<>*]", " ", text)
    if annotations != "keep" and (marked := annotations_in(text)):
        raise InputError(
            f"the transcript has annotations: {' '.join(marked[:3])} in {written!r}",
            where=where,
            hint="Leave them out of the text. --drop-annotations does so for all; "
            "--keep-annotations takes their words for said.",
        )
    _check_characters(text, written, where, spelling)
    normal = normalise_text(text, spelling)
    if not normal:
        raise InputError(f"the transcript has no letters of a-z: {written!r}", where=where)
    return normal


def _check_characters(text: str, written: str, where: str, spelling: Spelling) -> None:
    plain = _lower(text, spelling)
    # the marks of trade mean nothing that is said, and still nobody can know
    symbols = sorted({c for c in text if _is_symbol(c)} | {c for c in plain if _is_symbol(c)})
    digits = {c for c in (*text, *plain) if c.isnumeric()}
    if digits:
        raise InputError(
            f"the transcript has digits: {written!r}",
            where=where,
            hint='Write numbers as they are said: "{}", not "{}".'.format(*spelling.number),
        )
    foreign = sorted(
        {c for c in plain if c.isalpha() and not ("a" <= c <= "z" or c in spelling.kept)}
    )
    if foreign:
        names = ", ".join(f"{c!r} ({unicodedata.name(c, 'no name')})" for c in foreign[:3])
        raise InputError(
            f"the transcript has letters that the model cannot write: {names}",
            where=where,
            hint=f"Spell it with the letters {in_words(ENGLISH + spelling.kept)}.",
        )
    if symbols:
        raise InputError(
            f"the transcript has symbols that are read aloud: {' '.join(symbols)} in {written!r}",
            where=where,
            hint='Write them as words ("and", "percent"), or leave them out if nobody says them.',
        )
