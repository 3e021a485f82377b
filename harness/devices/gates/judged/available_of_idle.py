"""Has somebody left apps open?"""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, at_least
from harness.devices.gates.questions import AVAILABLE_MB

NAME = "available_percent_of_idle_min"


def _judge(wanted: float, phone: Answers) -> Verdict:
    if phone.idle_available_mb is None:
        return Verdict(NAME, None, f"wanted at least {wanted:g}% of idle, no profile knows that")
    available = phone.of(AVAILABLE_MB)
    has = None if available is None else 100.0 * available / phone.idle_available_mb
    return at_least(NAME, wanted, has, "% of idle")


GATE = Gate(
    name=NAME,
    type=float | None,
    limits={"ge": 0, "le": 100},
    meaning="MemAvailable as a share of the profile's idle figure: has somebody left apps open?",
    lab=None,
    strict=85.0,
    asks=(AVAILABLE_MB,),
    judge=_judge,
    place=120,
)
