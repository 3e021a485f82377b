"""Charging warms the phone."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, is_so
from harness.devices.gates.questions import BATTERY


def _judge(wanted: bool, phone: Answers) -> Verdict:
    battery = phone.of(BATTERY)
    plugged = battery.plugged if battery else None
    return is_so("charging", wanted, plugged, ("plugged in", "on battery"))


GATE = Gate(
    name="charging",
    type=bool | None,
    meaning="True: plugged in; False: on battery.",
    lab=None,
    strict=None,
    asks=(BATTERY,),
    judge=_judge,
    place=70,
)
