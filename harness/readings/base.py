"""What all readings share: a frozen model, and numbers and lines as phones print them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from harness.readings.bounds import Bounds

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{0,15})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_GROUPED = re.compile(r"-?[0-9][0-9,.\u00a0\u202f' ]{0,25}", re.ASCII)
_SIZE = re.compile(r"([+-]?[0-9]{1,15}(?:[.,][0-9]{0,6})?)\s?(B|KB|MB|GB|TB|K|M|G|T)?", re.ASCII)
_KIB = {"": 1 / 1024, "B": 1 / 1024, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


_FAILURE = re.compile(
    r"^[ \t]{0,20}(\*\*\* SERVICE '[^'\n]{0,80}' DUMP TIMEOUT.{0,40}"
    r"|Failure while dumping.{0,80}|Failure calling service.{0,80}|Failed to dump.{0,80}"
    r"|Error dumping service.{0,120}|Error: ?(?:android|java)\.[A-Za-z.]{1,80}.{0,80}"
    r"|Can't find service.{0,80}|Got a RemoteException.{0,80})",
    re.MULTILINE,
)


class Reading(BaseModel):
    """Base of all readings: frozen; a field that the phone did not print is ``None``, never 0.

    A field that is annotated with `Bounds` is None outside of them, however the reading is made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field_bounds: ClassVar[Mapping[str, Bounds]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: Any) -> None:
        """Note which fields have bounds."""
        cls.field_bounds = {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Bounds)
        }

    @model_validator(mode="before")
    @classmethod
    def _only_measurements(cls, data: Any) -> Any:
        if not cls.field_bounds or not isinstance(data, Mapping):
            return data
        refusals = {
            name: bounds.refusal(data[name])
            for name, bounds in cls.field_bounds.items()
            if isinstance(data.get(name), int | float) and not bounds.hold(data[name])
        }
        if not refusals:
            return data
        noted = {**data, **dict.fromkeys(refusals)}
        if "notes" in cls.model_fields:
            added = (f"{name}: {refusal}" for name, refusal in refusals.items())
            noted["notes"] = (*data.get("notes", ()), *added)
        return noted


class NotedReading(Reading):
    """A whole text from a phone, with what of it could not be used."""

    notes: tuple[str, ...] = ()
    """``field: why it is absent``, lines that could not be read (counted), a dump that failed."""

    def why_absent(self, *names: str) -> str:
        """Return why a field has no value, empty where the phone just did not print it."""
        for note in self.notes:
            field, sign, why = note.partition(": ")
            if sign and field in names:
                return why
        return ""


class Unread:
    """Counts the lines that should have said something and could not be read."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def add(self, line: str) -> None:
        """Count a line."""
        self._count += 1
        self._first = self._first or line.strip()[:80]

    def notes(self) -> tuple[str, ...]:
        """Return the note for the reading; none if there was no such line."""
        if not self._count:
            return ()
        lines_were = "1 line was" if self._count == 1 else f"{self._count} lines were"
        return (f"{lines_were} not understood, the first {self._first!r}",)


def failures(text: str) -> tuple[str, ...]:
    """Return what ``dumpsys`` itself says went wrong: a time-out, a service that died."""
    found = dict.fromkeys(match[1].strip() for match in _FAILURE.finditer(text))
    return tuple(f"the dump is not whole: {failure}" for failure in found)


def because(text: str, why: str) -> str:
    """Return why a text cannot be read: what ``dumpsys`` says of it, or else ``why``."""
    return "; ".join(failures(text)) or why


def clean(text: str | bytes) -> str:
    r"""Return text with ``\n`` line ends and without lone surrogates.

    Old adb shells turn ``\n`` into ``\r\n`` (or ``\r\r\n``); bytes that are not UTF-8 are replaced.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    elif not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if "\r" in text:
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return text


def lines(text: str | bytes) -> list[str]:
    """Return the lines that say something; bugreport separators (``----- 0.1s was ...``) do not."""
    return [line for line in clean(text).split("\n") if line and not line.startswith("------")]


def integer(text: str) -> int | None:
    """Return a decimal integer of at most 20 digits, or None."""
    text = text.strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def decimal(text: str) -> float | None:
    """Return a finite decimal number, with a point or a locale's comma, or None."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def grouped(text: str) -> int | None:
    """Return an integer printed with a locale's grouping (``1,234,567``), or None."""
    text = text.strip()
    if not _GROUPED.fullmatch(text):
        return None
    return integer(re.sub(r"[^0-9-]", "", text))


def boolean(text: str) -> bool | None:
    """Return what Java prints for a boolean, or None."""
    return {"true": True, "false": False}.get(text.strip())


def size_kb(text: str) -> int | None:
    """Return a size such as ``557MB``, ``0,00`` or ``1.2GB`` in KiB, or None.

    The form is that of AOSP's ``DebugUtils.sizeValueToString``: no suffix means bytes.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    number = decimal(match[1])
    if number is None:
        return None
    return round(number * _KIB[(match[2] or "").removesuffix("B") if match[2] != "B" else "B"])
