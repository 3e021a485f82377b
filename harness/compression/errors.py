"""What can be wrong with packed numbers."""

from __future__ import annotations


class CodecError(ValueError):
    """Numbers cannot be packed, or what was packed cannot be read."""


class NotFiniteError(CodecError):
    """A number that is to be packed is NaN or infinite."""


class BadCodeError(CodecError):
    """A code stands for no number of its format."""


class WrongLengthError(CodecError):
    """There are more or fewer bytes than the shape needs."""


class UnknownCodingError(CodecError):
    """There is no such way of writing numbers."""
