"""Memory that others do not hold."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, at_least
from harness.devices.gates.questions import AVAILABLE_MB


def _judge(wanted: float, phone: Answers) -> Verdict:
    has = phone.of(AVAILABLE_MB)
    return at_least("available_mb_min", wanted, has, " MiB")


GATE = Gate(
    name="available_mb_min",
    type=float | None,
    limits={"ge": 0},
    meaning="MiB of MemAvailable, at least.",
    lab=None,
    strict=None,
    asks=(AVAILABLE_MB,),
    judge=_judge,
    place=110,
)
