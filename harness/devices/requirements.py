"""Whether a phone is what a job demands, and if not, in what it differs (pure)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.scenario.demands import Demands, terms


class PhoneFacts(Protocol):
    """What a phone is, as far as demands go (`inventory.PhoneInfo` has it)."""

    @property
    def serial(self) -> str: ...  # noqa: D102
    @property
    def adb_serial(self) -> str: ...  # noqa: D102
    @property
    def profile(self) -> str: ...  # noqa: D102
    @property
    def ram_total_mb(self) -> float: ...  # noqa: D102
    @property
    def soc(self) -> str: ...  # noqa: D102
    @property
    def android(self) -> str: ...  # noqa: D102
    @property
    def sdk(self) -> int: ...  # noqa: D102
    @property
    def abi(self) -> str: ...  # noqa: D102
    @property
    def origin(self) -> str: ...  # noqa: D102
    @property
    def alias(self) -> str: ...  # noqa: D102
    @property
    def tags(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Match:
    """Whether a phone fits.

    Attributes:
        fits: It does.
        reasons: What does not fit: ``wanted ram_mb >= 6000, has 5700``.
    """

    fits: bool
    reasons: tuple[str, ...] = ()


def match(demands: Demands, phone: PhoneFacts) -> Match:
    """Say whether a phone fits, and if not, everything in which it does not."""
    reasons = [
        *_word("profile", demands.profile, [phone.profile]),
        *_word("serial", demands.serial, [phone.serial, phone.adb_serial, phone.alias]),
        *_number("ram_mb", demands.ram_mb, f"{phone.ram_total_mb:.0f}", bare=">="),
        *_word("soc", demands.soc, [phone.soc]),
        *_number("android", demands.android, phone.android, bare="="),
        *_number("sdk", demands.sdk, str(phone.sdk), bare="="),
        *_word("abi", demands.abi, [phone.abi]),
        *_word("origin", (demands.origin,) if demands.origin else None, [phone.origin]),
    ]
    missing = [tag for tag in demands.tags if tag not in phone.tags]
    if missing:
        has = ", ".join(phone.tags) or "none"
        reasons.append(f"wanted tags {', '.join(missing)}, has {has}")
    return Match(not reasons, tuple(reasons))


def _word(name: str, patterns: Sequence[str] | None, has: Sequence[str]) -> list[str]:
    if patterns is None:
        return []
    for pattern in patterns:
        for value in has:
            if value == pattern or fnmatch.fnmatchcase(value.lower(), pattern.lower()):
                return []
    return [f"wanted {name} {' or '.join(patterns)}, has {has[0] or 'unknown'}"]


def _number(name: str, comparison: str | None, has: str, *, bare: str) -> list[str]:
    if comparison is None:
        return []
    value = _version(has)
    if value is None:
        return [f"wanted {name} {comparison}, has {has or 'unknown'}"]
    for operator, wanted in terms(comparison):
        if not _holds(value, operator or bare, _version(wanted) or ()):
            return [f"wanted {name} {comparison}, has {has}"]
    return []


def _holds(value: tuple[int, ...], operator: str, wanted: tuple[int, ...]) -> bool:
    # "11" is 11.0 and 11.1: only as many parts are looked at as were written
    length = len(wanted)
    value = (*value, *(0,) * length)[:length]
    return {
        ">=": value >= wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        "<": value < wanted,
        "=": value == wanted,
        "==": value == wanted,
        "!=": value != wanted,
    }[operator]


def _version(text: str) -> tuple[int, ...] | None:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else None
