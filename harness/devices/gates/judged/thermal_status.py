"""From 2 (moderate) on Android slows the phone down."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Question, Verdict, at_most
from harness.readings import Thermal, parse_thermal

STATUS: Question[Thermal] = Question("thermal", "dumpsys thermalservice", parse_thermal)


def _judge(wanted: int, phone: Answers) -> Verdict:
    has, why = phone.figure(STATUS, "status")
    return at_most("thermal_status_max", wanted, has, "", why)


GATE = Gate(
    name="thermal_status_max",
    type=int | None,
    limits={"ge": 0, "le": 6},
    meaning="0 none, 1 light, 2 moderate: from there on Android slows the phone down.",
    lab=1,
    strict=0,
    asks=(STATUS,),
    judge=_judge,
    place=90,
)
