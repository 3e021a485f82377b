"""Why an attempt failed: one exception for the steps to raise, with its kind and evidence."""

from __future__ import annotations

from collections.abc import Sequence

from harness.adb.errors import AdbError, CommandTimedOut, DeviceLost
from harness.adb.turns import WaitStoppedError
from harness.errors import HarnessError
from harness.lab.clock import StopRequestedError
from harness.pressure.errors import PressureUnreachable
from harness.results.files import FULL, ROOM_HINT, DiskFullError, StoreError
from harness.results.model import FailureKind, FailureRecord
from harness.sampling.sampler import SamplingError

MAX_EVIDENCE_LINES = 40
MAX_EVIDENCE_CHARACTERS = 600

RETRY_FIELDS: dict[str, FailureKind] = {
    "lost_phone": "DeviceLost",
    "gate_timed_out": "GateTimedOut",
    "provision_failed": "ProvisionFailed",
    "pressure_unreachable": "PressureUnreachable",
    "trainer_crashed": "TrainerCrashed",
    "trainer_killed": "TrainerKilled",
    "trainer_ended": "TrainerEnded",
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


_KIND_OF_STEP: dict[str, FailureKind] = {
    "gate": "GateTimedOut",
    "provision": "ProvisionFailed",
    "press": "PressureUnreachable",
    "train": "TrainerCrashed",
}
"""What an error without a kind of its own means, by the step it came in."""


def host_error(error: BaseException) -> StoreError | None:
    """Return the error of this host's disk that an error is or came from; None for any other.

    It says nothing about phone or job, whatever was done with them meanwhile: the run stops.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StoreError):
            return cause
        if isinstance(cause, OSError):
            trouble = _disk_error(cause)
            if trouble is not None:
                return trouble
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None


def _disk_error(error: OSError) -> StoreError | None:
    """Return what an error of the operating system says of a file; None where it is of none."""
    if error.errno in FULL:
        where = f"{error.filename}: " if error.filename else ""
        return DiskFullError(f"{where}the disk of this host is full.\n  {ROOM_HINT}")
    if error.filename is None:
        return None
    return StoreError(f"{error.filename}: {error.strerror or error}")


def failure_of(
    error: Exception, step: str, stopped: str = "stopped by the user"
) -> FailureRecord | None:
    """Return what an error in a step of an attempt is called; None for one of this host.

    Args:
        error: What was raised.
        step: Of the attempt.
        stopped: Why it was stopped, if it was.
    """
    during = [f"during {step}"]
    if isinstance(error, StepFailed):
        return error.record()
    if host_error(error) is not None:
        return None
    if isinstance(error, (StopRequestedError, WaitStoppedError)):
        return failure_record("Interrupted", f"{stopped} during {step}")
    if isinstance(error, (DeviceLost, CommandTimedOut)):
        # A phone that does not answer in time is as good as gone: that says nothing about its RAM
        # or its trainer.
        return failure_record("DeviceLost", str(error), during)
    if isinstance(error, PressureUnreachable):
        return failure_record("PressureUnreachable", error.why, error.evidence)
    if isinstance(error, AdbError) and step == "gate":
        # No gate was shut: the phone does not do as it is told (a full disk). Another may.
        return failure_record("ProvisionFailed", str(error), during)
    if isinstance(error, SamplingError):
        # Nothing was pressed or trained yet: its sampler does not run.
        return failure_record("ProvisionFailed", str(error), during)
    if isinstance(error, HarnessError) and step in _KIND_OF_STEP:
        return failure_record(_KIND_OF_STEP[step], str(error), during)
    return None
