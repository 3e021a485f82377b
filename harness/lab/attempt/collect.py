"""Bringing the kept checkpoint home, and not believing the phone about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.contract.events import Checkpoint, Finished, Update
from harness.errors import InputError
from harness.lab.attempt.jobfile import PhoneLayout
from harness.lab.attempt.outcome import first_of
from harness.lab.failures import StepFailed
from harness.lab.ports import LabPhone, Tools
from harness.results.model import UpdateRecord, WrittenRecord
from harness.trainer.checkpoints import file_sha256
from harness.trainer.flatfile import weight_shapes
from harness.trainer.npz import opened_weights


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
    return _fetch(tools, phone, path, local, limit_s, written[-1], "kept checkpoint")


def fetch_update(
    tools: Tools,
    phone: LabPhone,
    layout: PhoneLayout,
    events: Sequence[Any],
    local: Path,
    limit_s: float,
    model: Path,
) -> UpdateRecord | None:
    """Copy what a job of federated training shares.

    Args:
        tools: How to talk to the phone.
        phone: The phone.
        layout: Where things lie there.
        events: The event log.
        local: Where it comes to lie.
        limit_s: How long that may take.
        model: The flatbuffer whose weights it holds.

    Returns:
        What it is; None if no epoch was kept, so that there is nothing to share.

    Raises:
        StepFailed: ``TrainerCrashed``: it lies elsewhere than asked, is not what was written, or
            holds other weights than the model has, or some that are no numbers.
        AdbError: It could not be copied.
    """
    update = next((event for event in reversed(events) if isinstance(event, Update)), None)
    if update is None:
        return None
    if update.path != layout.update:
        raise StepFailed("TrainerCrashed", f"the update {update.path!r} lies where none was asked")
    begun = time.monotonic()
    _fetch(tools, phone, update.path, local, limit_s, update.sha256, "update")
    _check_weights(local, model)
    return UpdateRecord(
        form=update.form,
        layers=update.layers,
        utterances=update.utterances,
        steps=update.steps,
        sha256=update.sha256,
        size_bytes=local.stat().st_size,
        pull_seconds=time.monotonic() - begun,
        written=(
            None
            if update.written is None
            else WrittenRecord.model_validate(update.written.model_dump())
        ),
    )


def _check_weights(update: Path, model: Path) -> None:
    """Check an update here, where it is one attempt's failure and not that of a whole round."""
    try:
        with opened_weights(update) as stored:
            known = weight_shapes(model)
            odd = [name for name, shape in stored.shapes.items() if known.get(name) != shape]
            if odd or not stored.shapes:
                raise StepFailed(
                    "TrainerCrashed",
                    "the update is of another model",
                    [f"{name} is none of its weights, or of another shape" for name in odd[:5]],
                )
            for name in stored.shapes:
                stored.read(name)
    except InputError as error:
        raise StepFailed("TrainerCrashed", f"the update cannot be used: {error.what}") from error


def _fetch(
    tools: Tools, phone: LabPhone, path: str, local: Path, limit_s: float, written: str, what: str
) -> str:
    tools.pull(phone, path, local, limit_s)
    sha256 = file_sha256(local)
    if sha256 != written:
        raise StepFailed(
            "TrainerCrashed",
            f"the {what} is not the one that was written",
            [f"written {written}", f"found {sha256}"],
        )
    return sha256
