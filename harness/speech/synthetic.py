"""Corpora that are made when they are needed, by the names that a scenario calls them."""

from __future__ import annotations

from harness.corpora import ACCENTS, language_of
from harness.speech.languages import language
from harness.speech.speakers import SPEAKERS, Speaker


def synthetic_speakers(corpus: str | None, where: str = "data.corpus") -> dict[str, Speaker] | None:
    """Return who speaks in a synthetic corpus, by name; None if it is no synthetic one.

    Raises:
        InputError: It is of a language that the lab does not know.
    """
    if corpus == ACCENTS:
        return SPEAKERS
    code = language_of(corpus)
    return language(code, where).speakers if code else None
