"""What a job wants of its phone, as a scenario writes it (pure); ``devices.requirements`` matches.

For example::

    phones: {profile: oneplus-7t}
    phones: {ram_mb: ">= 6000", soc: "Snapdragon 8*", android: ">= 10"}
    phones: {serial: [R58M1, R58M2]}
    phones: {count: 3, each: true}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from harness.scenario.base import Count, Flag, Section, Words

_TERM = re.compile(r"(>=|<=|==|!=|>|<|=)?\s*([0-9]+(?:\.[0-9]+)*)")
_TERM_JSON = r"\s*(>=|<=|==|!=|>|<|=)?\s*[0-9]+(\.[0-9]+)*\s*"


def terms(comparison: str) -> list[tuple[str, str]]:
    """Return (operator, version) of each term of a comparison; no operator where none is written.

    Raises:
        ValueError: Not a comparison.
    """
    matches = [_TERM.fullmatch(term.strip()) for term in comparison.split(",")]
    if None in matches:
        raise ValueError(
            'not a comparison; write for example ">= 6000" or ">= 10, < 13", without a unit'
        )
    return [(match[1] or "", match[2]) for match in matches if match is not None]


def _text(value: object) -> object:
    return (
        f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    )


def _comparison(text: str) -> str:
    terms(text)
    return text


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


class Demands(Section):
    """What a job wants; a field that is not given is not asked for.

    It is written out (to a ledger, and for a job's identity) in the words it was read from.
    """

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
    count: Count | None = Field(None, ge=1, le=1000)
    """How many phones the job may be spread over; all that fit if None."""
    each: Flag = False
    """Run the job on every one of the phones instead of on any one."""

    _written: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_words(cls, value: Any, handler: ModelWrapValidatorHandler[Demands]) -> Demands:
        demands = handler(value)
        if isinstance(value, Mapping):
            demands._written = dict(value)
        return demands

    @model_serializer(mode="plain")
    def as_written(self) -> dict[str, Any]:
        """Return the mapping that it was read from."""
        return dict(self._written)

    @property
    def given(self) -> dict[str, Any]:
        """Field -> value of what is not as it is by default."""
        return {
            name: value
            for name, field in type(self).model_fields.items()
            if (value := getattr(self, name)) != field.default
        }

    def on_phone(self, serial: str) -> Demands:
        """Return these demands for one phone only."""
        written = {k: v for k, v in self._written.items() if k not in ("each", "count")}
        return Demands.model_validate({**written, "serial": serial})
