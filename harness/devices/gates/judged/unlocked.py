"""A phone that nobody has unlocked since it started keeps the trainer's files encrypted."""

from __future__ import annotations

import re

from harness.devices.gates.declared import Answers, Gate, Question, Verdict

ADVICE = "unlock it once on its screen (PIN, pattern or password); a phone of a lab needs none"
_STATE = re.compile(r"\bRUNNING_(UNLOCKED|UNLOCKING|LOCKED)\b")


def _unlocked(text: str) -> bool | None:
    """Return whether user 0's files can be read.

    Sources: AOSP ``StorageManagerService`` (the property, Android 10 and later) and
    ``UserState.stateToString`` (``dumpsys user`` and ``activity``), for older ones.
    """
    said = text.strip().partition("\n")[0].strip()
    if said == "true":
        return True
    state = _STATE.search(text)
    if state is not None:
        return state[1] == "UNLOCKED"
    return False if said == "false" else None


UNLOCKED: Question[bool] = Question(
    "unlocked",
    # the dumps are long: only where the property does not say it
    'p=$(getprop sys.user.0.ce_available); echo "$p"; [ "$p" = true ] || '
    "dumpsys user | grep -m1 RUNNING_ || dumpsys activity | grep -m1 RUNNING_",
    _unlocked,
)


def _judge(_wanted: bool, phone: Answers) -> Verdict:
    has = phone.of(UNLOCKED)
    if has is None:
        return Verdict("unlocked", None, "wanted unlocked since its start, the phone does not tell")
    if has:
        return Verdict("unlocked", True, "wanted unlocked since its start, is")
    return Verdict("unlocked", False, f"wanted unlocked since its start, is locked; {ADVICE}")


GATE = Gate(
    name="unlocked",
    type=bool,
    meaning="Somebody has unlocked it since it started: before that, apps have no files.",
    lab=True,
    strict=True,
    off=False,
    nothing=False,
    asks=(UNLOCKED,),
    judge=_judge,
    place=15,
)
