"""Checkpoints: weights as ``.npz``, whole or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Saved:
    """A checkpoint on the phone."""

    path: Path
    sha256: str
    size_bytes: int


def checkpoint_path(folder: Path, epoch: int) -> Path:
    """Return where the checkpoint of an epoch lies."""
    return folder / f"epoch-{epoch:04d}.npz"


def save_checkpoint(
    folder: Path, epoch: int, weights: Mapping[str, npt.NDArray[np.float32]]
) -> Saved:
    """Write the weights of an epoch.

    Raises:
        OSError: The disk is full, for example; nothing is left behind then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = checkpoint_path(folder, epoch)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **weights)
            file.flush()
            os.fsync(file.fileno())
        data = partial.read_bytes()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return Saved(path, hashlib.sha256(data).hexdigest(), len(data))


def prune(folder: Path, keep: set[int]) -> None:
    """Delete the checkpoints of all epochs but these."""
    wanted = {checkpoint_path(folder, epoch).name for epoch in keep}
    for path in folder.glob("epoch-*.npz"):
        if path.name not in wanted:
            path.unlink()
