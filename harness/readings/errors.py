"""The one error that a parser of this package may raise."""

from __future__ import annotations


class ReadingError(ValueError):
    """A text from a phone is not what its kind promises.

    Args:
        kind: The kind of reading, for example ``battery``.
        why: What is wrong with the text.
        text: The text; its beginning is kept as evidence.
    """

    def __init__(self, kind: str, why: str, text: str = "") -> None:
        self.kind = kind
        self.why = why
        self.excerpt = text[:160]
        shown = f": {self.excerpt!r}" if self.excerpt else ""
        super().__init__(f"{kind}: {why}{shown}")
