"""The screen takes power."""

from __future__ import annotations

import re
from typing import Literal

from harness.devices.gates.declared import Answers, Gate, Question, Verdict

Screen = Literal["on", "off", "always-on display", "screensaver"]

_WAKEFULNESS = re.compile(
    r"(?:mWakefulness|get(?:Global)?Wakefull?nessLocked\(\))\s{0,3}[=:]\s{0,3}(\w+)"
)
"""Samsung prints the second, with two l."""
_DISPLAY = re.compile(r"Display Power: state=(\w+)")


def _screen(text: str) -> Screen | None:
    """Return what the screen shows; it is dark only where nothing is.

    Source: AOSP ``PowerManagerInternal.wakefulnessToString`` and ``Display.stateToString``.
    """
    wakefulness, display = _WAKEFULNESS.search(text), _DISPLAY.search(text)
    dark = display is not None and display[1] == "OFF"
    if wakefulness is None:
        if display is None:
            return None
        return "off" if dark else "on" if display[1] == "ON" else "always-on display"
    if wakefulness[1] == "Awake":
        return "on"
    if wakefulness[1] == "Dreaming":
        return "screensaver"
    if wakefulness[1] == "Dozing":
        # with an always-on display it shows the time, without one nothing
        return "off" if dark else "always-on display"
    return "off"


SCREEN: Question[Screen] = Question(
    "power",
    "dumpsys power | grep -E 'mWakefulness=|Wakefull?nessLocked|Display Power: state='",
    _screen,
)


def _judge(wanted: bool, phone: Answers) -> Verdict:
    has = phone.of(SCREEN)
    words = "wanted screen on" if wanted else "wanted screen off"
    if has is None:
        return Verdict("screen_on", None, f"{words}, is not told by the phone")
    shown = {"on": "screen on", "off": "screen off"}.get(has, has)
    return Verdict("screen_on", has == ("on" if wanted else "off"), f"{words}, is {shown}")


GATE = Gate(
    name="screen_on",
    type=bool | None,
    meaning="True: the screen is lit; False: it is dark (an always-on display is neither).",
    lab=None,
    strict=None,
    asks=(SCREEN,),
    judge=_judge,
    place=140,
)
