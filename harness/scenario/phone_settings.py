"""What an attempt may change on its phone; all of it is put back when the attempt ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator

from harness.scenario.base import Section


def _word_or_flag(value: Any) -> Any:
    if isinstance(value, bool) or value == "required":
        return value
    raise ValueError("write true, false or required")


Wish = Annotated[
    Union[bool, Literal["required"]],  # noqa: UP007 - evaluated on 3.10
    BeforeValidator(_word_or_flag),
]
"""true: try, and note it if the phone refuses; required: a refusal fails the attempt."""


class PhoneSettings(Section):
    """Settings of the phone while an attempt runs."""

    stay_awake: Wish = True
    """The screen stays on, so that the phone does not doze."""
    unplugged: Wish = False
    """Android believes that it runs on battery (``dumpsys battery unplug``); it goes on charging,
    and the battery's level and temperature stand still meanwhile."""
    allow_background: Wish = True
    """The trainer is exempt from doze, standby buckets and background limits."""
