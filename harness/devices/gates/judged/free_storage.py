"""Model, recordings, checkpoints and log must fit."""

from __future__ import annotations

from harness.devices.gates.declared import Answers, Gate, Verdict, at_least
from harness.devices.gates.questions import FREE_STORAGE_MB


def _judge(wanted: float, phone: Answers) -> Verdict:
    has = phone.of(FREE_STORAGE_MB)
    return at_least("free_storage_mb_min", wanted, has, " MiB")


GATE = Gate(
    name="free_storage_mb_min",
    type=float | None,
    limits={"ge": 0},
    meaning="MiB free where the work folder lies, at least.",
    lab=512.0,
    strict=1024.0,
    asks=(FREE_STORAGE_MB,),
    judge=_judge,
    place=100,
)
