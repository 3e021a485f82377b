"""Numbers as a reader wants them: sensible digits, spread of repeats, durations (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from statistics import median

DASH = "–"
"""Shown where there is no figure; never a zero."""
MIB = 2**20


@dataclass(frozen=True)
class Spread:
    """A figure over repeats: median, range and how many."""

    median: float
    low: float
    high: float
    n: int


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return the spread of the known values, None where there are none."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None
    return Spread(median(known), min(known), max(known), len(known))


def middle(values: Iterable[float | None]) -> float | None:
    """Return the median of the known values, None where there are none."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def fixed(value: float | None, digits: int = 0) -> str:
    """Return ``value`` with a set number of decimals, thousands apart from 10,000 on."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
    # -0.04 shown with one decimal is zero, and zero has no sign
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", "−")


def signed(value: float | None, digits: int = 0) -> str:
    """Return ``value`` with its sign, for differences."""
    text = fixed(value, digits)
    zero = not text.strip("0.,")
    return text if value is None or value < 0 or text == DASH or zero else f"+{text}"


def minutes(value: float | None) -> str:
    """Return minutes with about two figures, also where an epoch takes a second."""
    return fixed(value, minutes_digits(value))


def minutes_digits(value: float | None) -> int:
    """Return the decimals that give minutes about two figures."""
    if value is None or not math.isfinite(value) or value == 0:
        return 0
    return min(4, max(1, 1 - math.floor(math.log10(abs(value)))))


def column_digits(values: Iterable[float | None]) -> int:
    """Return the decimals of a column of minutes: two figures of the least of them."""
    least = min((abs(value) for value in values if value), default=None)
    return min(3, minutes_digits(least)) if least is not None else 1


def plain(value: float) -> str:
    """Return a setting's value as people write it: 5, 0.5, 1e-4."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e6:
        return f"{value:g}"
    mantissa, exponent = f"{value:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def digits_for(values: Iterable[float | None]) -> int:
    """Return decimals that give about three figures for the largest of ``values``."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest >= 100:
        return 0
    return 1 if largest >= 10 else 2


def duration(seconds: float | None) -> str:
    """Return seconds as people say them: ``42 s``, ``5 min 12 s``, ``2 h 05 min``."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    whole = round(max(0.0, seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float | None) -> str:
    """Return bytes in the unit that fits."""
    if count is None:
        return DASH
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= scale:
            return f"{count / scale:.{1 if count < 100 * scale else 0}f} {unit}"
    return f"{count:.0f} B"


def parse_utc(text: str | None) -> datetime | None:
    """Return a time stamp of a record, None where it cannot be read."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def when(text: str | None) -> str:
    """Return a time stamp as ``2026-03-01 14:05 UTC``; what is not one is returned as it is."""
    moment = parse_utc(text)
    if moment is None:
        return text or DASH
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
