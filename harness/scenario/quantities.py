"""What number is meant by words with a unit: ``1.7GB``, ``6h``, ``25 %``, ``14+`` (pure)."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"([0-9]+(?:\.[0-9]+)?)"
_SIZE: Final = re.compile(rf"\s*{_NUMBER}\s*([KMGT]?)i?B?\s*", re.IGNORECASE)
_MIB_OF: Final = {"K": 1 / 1024, "M": 1.0, "": 1.0, "G": 1024.0, "T": 1024.0**2}
_TIME: Final = re.compile(
    rf"\s*{_NUMBER}\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?\s*", re.IGNORECASE
)
_SECONDS_OF: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PLAIN: Final = re.compile(rf"\s*(-?{_NUMBER}(?:[eE][-+]?[0-9]+)?)\s*(%|[A-Za-z° ]*)\s*")
_TERM: Final = re.compile(
    r"\s*(>=|<=|==|!=|≥|≤|>|<|=)?\s*(?:android|api|sdk|level|version)?\s*"
    rf"{_NUMBER}\s*([KMGT]?i?B)?\s*(\+|or (?:later|more|newer)|and (?:later|up))?\s*",
    re.IGNORECASE,
)
_SIGNS: Final = {"≥": ">=", "≤": "<="}


def number_meant(text: str, path: str, *, whole: bool) -> str:
    """Return what to write for a number that was written as words; empty if nobody can tell.

    Args:
        text: What was written.
        path: Its field, whose ending is its unit.
        whole: A whole number is meant.
    """
    if path.endswith("_mb") and (size := _SIZE.fullmatch(text)) is not None:
        mib = float(size[1]) * _MIB_OF[size[2].upper()]
        return f"Sizes are MiB, without a unit: write {mib:.0f}."
    if path.endswith("_s") and (time := _TIME.fullmatch(text)) is not None:
        unit = (time[2] or "s").lower()
        seconds = float(time[1]) * _SECONDS_OF["ms" if unit == "ms" else unit[0]]
        return f"Times are seconds, without a unit: write {seconds:g}."
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return ""
    if whole and not float(plain[1]).is_integer():
        return "Write a whole number."
    shown = f"{float(plain[1]):.0f}" if whole else plain[1]
    return f"Write {shown}, without quotes{' and without a unit' if plain[3].strip() else ''}."


def comparison_meant(text: str, *, size: bool) -> str | None:
    """Return the comparison that is meant: ``>= 14`` for ``14+``, ``>= 6144`` for ``6GB``.

    Args:
        text: What was written.
        size: It is about RAM, in MiB.
    """
    terms: list[str] = []
    for part in text.split(","):
        term = _TERM.fullmatch(part)
        if term is None:
            return None
        sign = _SIGNS.get(term[1] or "", term[1] or "")
        if term[4] or (size and not sign):
            sign = sign or ">="
        number = term[2]
        if size and term[3]:
            number = f"{float(number) * _MIB_OF[term[3][0].upper() if len(term[3]) > 1 else '']:g}"
        terms.append(f"{sign} {number}".strip())
    return ", ".join(terms)
