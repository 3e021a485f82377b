"""A phone that runs flat in the middle costs the whole attempt; some slow down when low."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, at_least
from harness.devices.gates.questions import BATTERY


def _judge(wanted: float, phone: Answers) -> Verdict:
    has, why = phone.figure(BATTERY, "percent")
    return at_least("battery_percent_min", wanted, has, "%", why)


GATE = Gate(
    name="battery_percent_min",
    type=float | None,
    limits={"ge": 0, "le": 100},
    meaning="Percent of charge, at least.",
    lab=30.0,
    strict=80.0,
    asks=(BATTERY,),
    judge=_judge,
    place=50,
)
