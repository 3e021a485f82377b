"""The screen takes power."""

from __future__ import annotations

import re

from harness.devices.gates.declared import Answers, Gate, Question, Verdict, is_so


def _lit(text: str) -> bool | None:
    wakefulness = re.search(r"mWakefulness=(\w+)", text)
    if wakefulness:
        return wakefulness[1] == "Awake"
    state = re.search(r"Display Power: state=(\w+)", text)
    return state[1] == "ON" if state else None


SCREEN_ON: Question[bool] = Question(
    "power",
    "dumpsys power | grep -E 'mWakefulness=|Display Power: state='",
    _lit,
)


def _judge(wanted: bool, phone: Answers) -> Verdict:
    return is_so("screen_on", wanted, phone.of(SCREEN_ON), ("screen on", "screen off"))


GATE = Gate(
    name="screen_on",
    type=bool | None,
    meaning="True: the screen is lit; False: it is dark.",
    lab=None,
    strict=None,
    asks=(SCREEN_ON,),
    judge=_judge,
    place=140,
)
