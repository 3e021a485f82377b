"""What all readings share: a frozen model, and numbers and lines as phones print them."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{0,15})?", re.ASCII)
_GROUPED = re.compile(r"-?[0-9][0-9,.\u00a0\u202f' ]{0,25}", re.ASCII)
_SIZE = re.compile(r"([+-]?[0-9]{1,15}(?:[.,][0-9]{0,6})?)\s?(B|KB|MB|GB|TB|K|M|G|T)?", re.ASCII)
_KIB = {"": 1 / 1024, "B": 1 / 1024, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3}


class Reading(BaseModel):
    """Base of all readings: frozen; a field that the phone did not print is ``None``, never 0."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else None


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
