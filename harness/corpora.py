"""What the corpora are called that the lab makes when they are needed."""

from __future__ import annotations

from typing import Final

ACCENTS: Final = "accents"
"""The synthetic corpus of six English speakers."""
SPOKEN: Final = "speech/"
"""What the names of synthetic corpora of languages begin with: ``speech/it``."""


def language_of(corpus: str | None) -> str:
    """Return the code in ``speech/<code>``; empty if it is no such name."""
    if corpus is None or not corpus.startswith(SPOKEN):
        return ""
    return corpus.removeprefix(SPOKEN)
