"""Which changes make a phone ready to be measured, and what is said where it refuses one (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Union

from harness.devices.changes import AppOp, Bucket, Change, Config, DozeAllowed, Setting, Unplugged
from harness.devices.settings_guard import Changed
from harness.errors import HarnessError

Wish = Union[bool, Literal["required"]]  # noqa: UP007 - evaluated on 3.10
"""False: leave it alone; True: try, and note a refusal; ``required``: a refusal is a failure."""

_ANY_POWER = "15"  # BatteryManager: AC 1, USB 2, wireless 4, dock 8
_LONGEST_MS = "2147483647"
_MOST_PROCESSES = "2147483647"


@dataclass(frozen=True)
class Wishes:
    """What an attempt wants of its phone.

    Attributes:
        stay_awake: The screen stays on.
        unplugged: Android believes that it runs on its battery.
        allow_background: Android leaves the trainer's processes alone in the background.
    """

    stay_awake: Wish = True
    unplugged: Wish = False
    allow_background: Wish = True


class NotAllowedError(HarnessError):
    """The phone refuses a change that was required.

    Args:
        message: Which, and its reason.
        notes: What else there is to say of the phone's settings.
    """

    def __init__(self, message: str, notes: Sequence[str] = ()) -> None:
        self.notes = tuple(notes)
        super().__init__(message)


def wanted_before_gates(wishes: Wishes, package: str, sdk: int) -> list[tuple[str, Change]]:
    """Return (wish, change) of all that may be changed before the gates look at the phone.

    Args:
        wishes: What is wanted.
        package: The trainer's.
        sdk: API level of the phone; 0 if unknown.
    """
    changes: list[tuple[str, Change]] = []
    if wishes.stay_awake:
        awake = Setting(namespace="global", key="stay_on_while_plugged_in", value=_ANY_POWER)
        changes.append(("stay_awake", awake))
        if wishes.unplugged:
            # Android lets the screen go dark by its time-out once it believes itself unplugged
            dark = Setting(namespace="system", key="screen_off_timeout", value=_LONGEST_MS)
            changes.append(("stay_awake", dark))
    if wishes.allow_background:
        if sdk >= 28:
            changes.append(("allow_background", Bucket(package=package, bucket=10)))
        changes.append(("allow_background", DozeAllowed(package=package, allowed=True)))
        if sdk >= 28:
            allowed = AppOp(package=package, op="RUN_ANY_IN_BACKGROUND", mode="allow")
            changes.append(("allow_background", allowed))
        if sdk >= 31:
            most = Config(
                namespace="activity_manager", key="max_phantom_processes", value=_MOST_PROCESSES
            )
            changes.append(("allow_background", most))
    return changes


def wanted_after_gates(wishes: Wishes) -> list[tuple[str, Change]]:
    """Return what must not be changed before the gates: they look at the real plug."""
    return [("unplugged", Unplugged(unplugged=True))] if wishes.unplugged else []


def notes_of(
    wishes: Wishes, wanted: Sequence[tuple[str, Change]], changed: Changed, advice: str = ""
) -> tuple[str, ...]:
    """Return what a reader of the result must know of the changes.

    Args:
        wishes: What was wanted.
        wanted: By which changes.
        changed: What became of them.
        advice: What a person may do on this model where a change is refused.

    Raises:
        NotAllowedError: A change was refused whose wish is ``required``.
    """
    wish_of = {change.thing: wish for wish, change in wanted}
    notes = [_WORDS.get(change.thing, f"changed {change.told}") + "." for change in changed.made]
    must: list[str] = []
    for change, why in changed.refused:
        wish = wish_of[change.thing]
        text = f"{wish}: the phone does not allow {change.told}: {why}"
        if getattr(wishes, wish) == "required":
            must.append(text)
        else:
            notes.append(f"{text}.{f' {advice}' if advice else ''}")
    if must:
        raise NotAllowedError("; ".join(must) + (f". {advice}" if advice else ""), notes)
    return tuple(notes)


_WORDS: dict[tuple[str, ...], str] = {
    ("setting", "global", "stay_on_while_plugged_in"): "The screen is kept on while plugged in",
    ("battery",): (
        "Android was told that it is unplugged; it goes on charging, and the battery's level and "
        "temperature in the samples are those of that moment"
    ),
}
