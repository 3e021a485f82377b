"""Android that still starts uses the processor and answers half."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, is_so
from harness.devices.gates.questions import BOOTED


def _judge(_wanted: bool, phone: Answers) -> Verdict:
    has = phone.of(BOOTED) or False  # it says nothing before
    return is_so("booted", True, has, ("started up", "still starting"))


GATE = Gate(
    name="booted",
    type=bool,
    meaning="Android has started.",
    lab=True,
    strict=True,
    off=True,
    nothing=False,
    asks=(BOOTED,),
    judge=_judge,
    place=10,
)
