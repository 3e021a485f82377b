"""What a job wants of its phone, and why a phone does not fit (pure).

As a scenario writes it::

    phones: {profile: oneplus-7t}
    phones: {ram_mb: ">= 6000", soc: "Snapdragon 8*", android: ">= 10"}
    phones: {serial: [R58M1, R58M2]}
    phones: {count: 3, each: true}
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    WithJsonSchema,
)

from harness.yamlio import LineIndex, explain

_TERM = re.compile(r"(>=|<=|==|!=|>|<|=)?\s*([0-9]+(?:\.[0-9]+)*)")


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


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _text(value: object) -> object:
    return (
        f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    )


def _comparison(text: str) -> str:
    for term in text.split(","):
        if not _TERM.fullmatch(term.strip()):
            raise ValueError('not a comparison; write for example ">= 6000" or ">= 10, < 13"')
    return text


_TERM_JSON = r"\s*(>=|<=|==|!=|>|<|=)?\s*[0-9]+(\.[0-9]+)*\s*"
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        mode="validation",
    ),
]
Comparison = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_comparison),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": f"^{_TERM_JSON}(,{_TERM_JSON})*$"},
            ]
        },
        mode="validation",
    ),
]
"""Terms joined by commas, all of which must hold; a bare number has the field's own meaning."""


class Demands(BaseModel):
    """What a job wants; a field that is not given is not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    profile: Words | None = None
    """Names of profiles, with ``*`` and ``?``."""
    serial: Words | None = None
    """``ro.serialno``, what ``adb devices`` calls it, or its alias in ``phones.yaml``."""
    ram_mb: Comparison | None = None
    """Total RAM as the phone says it (MemTotal); a bare number is the least."""
    soc: Words | None = None
    """With ``*`` and ``?``; upper and lower case are one."""
    android: Comparison | None = None
    """A bare number is that version and its minor ones."""
    sdk: Comparison | None = None
    """API level of Android; a bare number is that one."""
    abi: Words | None = None
    """For example arm64-v8a."""
    origin: Literal["device", "virtual", "trace"] | None = None
    """A real phone, a virtual one, or one that replays."""
    tags: Words = ()
    """All of them; a phone's tags stand in ``phones.yaml`` and in its property
    ``debug.mobileasr.tags``."""
    count: Annotated[int, Strict()] | None = Field(None, ge=1, le=1000)
    """How many phones the job may be spread over; all that fit if None."""
    each: Annotated[bool, Strict()] = False
    """Run the job on every one of the phones instead of on any one."""


@dataclass(frozen=True)
class Match:
    """Whether a phone fits.

    Attributes:
        fits: It does.
        reasons: What does not fit: ``wanted ram_mb >= 6000, has 5700``.
    """

    fits: bool
    reasons: tuple[str, ...] = ()


def parse_demands(data: Mapping[str, Any] | None, where: str = "phones") -> Demands:
    """Read the ``phones:`` of a scenario.

    Args:
        data: The mapping; None or empty for any phone.
        where: How to call it in messages.

    Raises:
        InputError: A key or value that is not one, saying which.
    """
    try:
        return Demands.model_validate(dict(data or {}))
    except ValidationError as error:
        raise explain(error, data, LineIndex(where), Demands) from error


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
    for term in comparison.split(","):
        found = _TERM.fullmatch(term.strip())
        assert found is not None, "the model has checked it"
        if not _holds(value, found[1] or bare, _version(found[2]) or ()):
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
