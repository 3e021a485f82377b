"""A warm phone slows down soon."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, at_most
from harness.devices.gates.questions import BATTERY


def _judge(wanted: float, phone: Answers) -> Verdict:
    has, why = phone.figure(BATTERY, "temperature_c")
    return at_most("battery_c_max", wanted, has, "°C", why)


GATE = Gate(
    name="battery_c_max",
    type=float | None,
    limits={"ge": 0, "le": 80},
    meaning="Temperature of the battery in °C, at most.",
    lab=42.0,
    strict=35.0,
    asks=(BATTERY,),
    judge=_judge,
    place=80,
)
