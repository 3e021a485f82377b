"""Languages, by code: one file each in ``spoken``, and plug-ins'.

A new file there is all that a new language takes (docs: Extending the lab).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from harness import plugins
from harness.contract import alphabet as alphabets
from harness.contract.alphabet import ENGLISH
from harness.errors import InputError
from harness.speech.languages import spoken
from harness.speech.languages.language import Language, Voice
from harness.speech.text import folded, normalise_text

__all__ = [
    "DEFAULT",
    "Language",
    "Voice",
    "alphabet_of",
    "language",
    "languages",
    "named_alphabet",
]

DEFAULT: Final = "en"
"""Of a manifest that says no language."""


@cache
def languages() -> dict[str, Language]:
    """Return all languages by code, with those of plug-ins."""
    own: list[Language] = plugins.own_objects(spoken.__name__, spoken.__path__, "LANGUAGE")
    return {each.code: each for each in plugins.extended(plugins.LANGUAGES, own, _problem)}


def language(code: str, where: str = "") -> Language:
    """Return a language by its code.

    Args:
        code: Such as ``it``.
        where: For the message.

    Raises:
        InputError: The lab does not know it.
    """
    if code not in languages():
        known = ", ".join(f"{each.code} ({each.name})" for each in languages().values())
        raise InputError(
            f"there is no language {code!r}",
            where=where,
            hint=f"Languages: {known}. docs/languages.md says how to add one.",
        )
    return languages()[code]


def alphabet_of(codes: Iterable[str], where: str = "") -> str:
    """Return the alphabet in which all of these languages keep their accents.

    Args:
        codes: Of languages; their order does not matter.
        where: For the message.

    Raises:
        InputError: A language is not known.
    """
    letters = {c for code in codes for c in language(code, where).spelling.kept}
    return ENGLISH + "".join(sorted(letters))


def named_alphabet(words: str, where: str = "") -> str:
    """Return an alphabet by name: its characters, or codes of languages joined by ``+``.

    Args:
        words: With a space in it, all characters in the order of the outputs; else for example
            ``it+fr``, whose accents are kept.
        where: For the message.

    Raises:
        InputError: A language is not known, or no network can write so.
    """
    if " " not in words:
        return alphabet_of(words.split("+"), where)
    if wrong := alphabets.problem(words):
        raise InputError(f"the alphabet {wrong}", where=where)
    return words


def _problem(candidate: Any, known: Sequence[Language]) -> str:
    """Return why an object cannot be one more language; empty if it can."""
    if not isinstance(candidate, Language):
        return f"{candidate!r} is no Language"
    if candidate.code in (each.code for each in known):
        return f"there is {candidate.code!r} already"
    if not (candidate.code.isascii() and candidate.code.isalpha() and candidate.code.islower()):
        return f"{candidate.code!r} is no code: two or three small letters"
    if wrong := alphabets.problem(candidate.alphabet):
        return f"its alphabet {wrong}"
    for word in sorted(candidate.grammar.words):
        normal = normalise_text(word, candidate.spelling)
        if normal != word:
            return f"its grammar has {word!r}, which is spelled {normal!r}"
        if set(folded(word, candidate.spelling)) - set(ENGLISH):
            return f"its grammar has {word!r}, which cannot be spelled with a to z"
    return ""
