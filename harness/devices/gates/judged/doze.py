"""Android holds apps back while a phone lies idle."""

from __future__ import annotations

import re

from harness.devices.gates.declared import Answers, Gate, Question, Verdict

_DOZING = frozenset({"IDLE", "IDLE_MAINTENANCE", "OVERRIDE"})
"""States in which apps are held back. Source: AOSP ``DeviceIdleController``."""
_STATE = re.compile(r"[A-Z_]{3,40}")


def _dozing(text: str) -> str | None:
    """Return what kind of doze the phone is in, empty if in none, None if it does not tell."""
    states = [line.strip() for line in text.strip().splitlines()]
    states = [state for state in states if _STATE.fullmatch(state)]
    if len(states) != 2:
        return None
    both = zip(("deep", "light"), states, strict=True)
    return ", ".join(f"{kind} {state}" for kind, state in both if state in _DOZING)


DOZING: Question[str] = Question(
    "doze", "dumpsys deviceidle get deep; dumpsys deviceidle get light", _dozing
)
_WORDS = {True: "dozing", False: "not dozing"}


def _judge(wanted: bool, phone: Answers) -> Verdict:
    has = phone.of(DOZING)
    if has is None:
        return Verdict("doze", None, f"wanted {_WORDS[wanted]}, is not told by the phone")
    wake = "wake it: adb shell input keyevent KEYCODE_WAKEUP"
    shown = f"dozing ({has}); {wake}" if has else _WORDS[False]
    return Verdict("doze", bool(has) == wanted, f"wanted {_WORDS[wanted]}, is {shown}")


GATE = Gate(
    name="doze",
    type=bool | None,
    meaning="False: Android does not hold apps back because the phone lies idle.",
    lab=False,
    strict=False,
    asks=(DOZING,),
    judge=_judge,
    place=150,
)
