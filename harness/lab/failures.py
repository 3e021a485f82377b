"""Why an attempt failed: one exception for the steps to raise, with its kind and evidence."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.results.model import FailureKind, FailureRecord

MAX_EVIDENCE_LINES = 40
MAX_EVIDENCE_CHARACTERS = 600

RETRY_FIELDS: dict[str, FailureKind] = {
    "lost_phone": "DeviceLost",
    "gate_timed_out": "GateTimedOut",
    "provision_failed": "ProvisionFailed",
    "pressure_unreachable": "PressureUnreachable",
    "trainer_crashed": "TrainerCrashed",
    "trainer_killed": "TrainerKilled",
    "trainer_stalled": "TrainerStalled",
    "score_mismatch": "ScoreMismatch",
}
"""Fields of the scenario's ``retry`` -> the failure that they speak of."""


class StepFailed(HarnessError):  # noqa: N818 - a fact about an attempt, named like its result
    """A step of an attempt failed in a way that the result names.

    Args:
        kind: What to call it in the result and in ``retry``.
        message: What happened, in one sentence.
        evidence: Lines that prove it: log lines, exit info, last samples.
    """

    def __init__(self, kind: FailureKind, message: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.evidence = tuple(evidence)

    def record(self) -> FailureRecord:
        """Return the failure as the result holds it, cut to a readable size."""
        return failure_record(self.kind, self.message, self.evidence)


def failure_record(kind: FailureKind, message: str, evidence: Sequence[str] = ()) -> FailureRecord:
    """Return a failure record whose evidence is cut to a readable size."""
    lines = [line[:MAX_EVIDENCE_CHARACTERS] for line in evidence if line.strip()]
    if len(lines) > MAX_EVIDENCE_LINES:
        left_out = len(lines) - MAX_EVIDENCE_LINES
        lines = [*lines[:MAX_EVIDENCE_LINES], f"... and {left_out} more lines"]
    return FailureRecord(kind=kind, message=message, evidence=tuple(lines))
