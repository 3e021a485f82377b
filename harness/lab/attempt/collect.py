"""Bringing the kept checkpoint home, and not believing the phone about it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contract.events import Checkpoint, Finished
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.attempt.outcome import first_of
from harness.lab.failures import StepFailed
from harness.lab.ports import LabPhone, Tools


def fetch_checkpoint(
    tools: Tools,
    phone: LabPhone,
    layout: PhoneLayout,
    events: Sequence[Any],
    local: Path,
    limit_s: float,
) -> str | None:
    """Copy the checkpoint that the trainer kept.

    Returns:
        Its SHA-256; None if the trainer kept none (no epoch ran, or the start was best).

    Raises:
        StepFailed: ``TrainerCrashed``: the path is none that the trainer said it wrote, or its
            content is not what was written.
        AdbError: It could not be copied.
    """
    finished = first_of(events, Finished)
    if finished is None or finished.kept_checkpoint is None:
        return None
    path = finished.kept_checkpoint
    written = [
        event.sha256 for event in events if isinstance(event, Checkpoint) and event.path == path
    ]
    inside = path.startswith(f"{layout.checkpoints}/") and "/../" not in path
    if not inside or not written:
        raise StepFailed("TrainerCrashed", f"the kept checkpoint {path!r} is none that was written")
    tools.pull(phone, path, local, limit_s)
    sha256 = hashlib.sha256(local.read_bytes()).hexdigest()
    if sha256 != written[-1]:
        raise StepFailed(
            "TrainerCrashed",
            "the kept checkpoint is not the one that was written",
            [f"written {written[-1]}", f"found {sha256}"],
        )
    return sha256
