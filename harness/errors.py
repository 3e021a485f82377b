"""Errors that every part may raise and the command line turns into one clear message."""

from __future__ import annotations

from collections.abc import Iterable


class HarnessError(Exception):
    """Base of all errors that the harness raises on purpose."""

    exit_code = 1


class InputError(HarnessError):
    """What the user gave cannot be used: what, where, what next. Nothing was started.

    Args:
        what: What is wrong, in one sentence.
        where: File and line, field or option.
        hint: What to do next.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(self.message())

    def message(self) -> str:
        """Return ``where: what. hint`` on as few lines as it has parts."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.hint}" if self.hint else head


class NoPhoneError(HarnessError):
    """No phone fits what a job asks for."""

    exit_code = 3


def meant(word: str, known: Iterable[str], *, likeness: float = 0.5) -> str:
    """Return the begin of a hint, "Did you mean X? "; an empty text if nothing known is alike.

    Args:
        word: What the user gave.
        known: What there is.
        likeness: From 0 (anything) to 1 (only the word itself).
    """
    import difflib  # not in a trainer, which raises errors too

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f"Did you mean {near[0]}? " if near else ""
