"""Results of two versions are not one measurement."""

from __future__ import annotations

import fnmatch

from harness.devices.gates.declared import Answers, Gate, Verdict
from harness.devices.gates.judged.trainer import MISSING
from harness.devices.gates.questions import TRAINER_VERSION

NAME = "trainer_version"


def _judge(wanted: str, phone: Answers) -> Verdict:
    version = phone.of(TRAINER_VERSION)
    if version is None:
        return Verdict(NAME, False, MISSING, can_change=False)
    if fnmatch.fnmatchcase(version, wanted):
        return Verdict(NAME, True, f"version {version}")
    return Verdict(NAME, False, f"wanted version {wanted}, is {version}", can_change=False)


GATE = Gate(
    name=NAME,
    type=str | None,
    meaning="And of this version (``*`` and ``?``).",
    lab=None,
    strict=None,
    asks=(TRAINER_VERSION,),
    judge=_judge,
    place=30,
)
