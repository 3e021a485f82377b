"""Nothing can be trained without it."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict
from harness.devices.gates.names import TRAINER_PACKAGE
from harness.devices.gates.questions import TRAINER_VERSION

MISSING = f"{TRAINER_PACKAGE} is not installed; install its APK (see: harness apk)"


def _judge(_wanted: bool, phone: Answers) -> Verdict:
    version = phone.of(TRAINER_VERSION)
    if version is None:
        return Verdict("trainer", False, MISSING, can_change=False)
    return Verdict("trainer", True, f"version {version}")


GATE = Gate(
    name="trainer",
    type=bool,
    meaning="The trainer is installed.",
    lab=True,
    strict=True,
    off=False,
    nothing=False,
    asks=(TRAINER_VERSION,),
    judge=_judge,
    place=20,
)
