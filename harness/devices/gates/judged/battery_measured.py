"""Somebody's ``dumpsys battery set`` makes every battery figure a lie."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict
from harness.devices.gates.questions import BATTERY


def _judge(_wanted: bool, phone: Answers) -> Verdict:
    battery = phone.of(BATTERY)
    if battery is None:
        return Verdict("battery_measured", None, "wanted measured values, the phone does not tell")
    faked = battery.updates_stopped
    detail = "faked values (dumpsys battery reset ends it)" if faked else "measured values"
    return Verdict("battery_measured", not faked, detail, can_change=False)


GATE = Gate(
    name="battery_measured",
    type=bool,
    meaning="Nobody fakes the battery (``dumpsys battery set`` or ``unplug``).",
    lab=True,
    strict=True,
    off=False,
    nothing=False,
    asks=(BATTERY,),
    judge=_judge,
    place=60,
)
