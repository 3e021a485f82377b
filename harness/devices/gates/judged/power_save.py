"""Battery saver slows the processor."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, is_so
from harness.devices.gates.questions import POWER_SAVE


def _judge(wanted: bool, phone: Answers) -> Verdict:
    has = phone.of(POWER_SAVE)
    return is_so("power_save", wanted, has, ("battery saver on", "battery saver off"))


GATE = Gate(
    name="power_save",
    type=bool | None,
    meaning="False: battery saver is off.",
    lab=False,
    strict=False,
    asks=(POWER_SAVE,),
    judge=_judge,
    place=130,
)
