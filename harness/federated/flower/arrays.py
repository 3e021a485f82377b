"""Weights as Flower's records: read from files only when a strategy computes with them.

A strategy that holds a hundred replies holds a hundred names, shapes and paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord

from harness.federated.arrived import Answer, arrived
from harness.trainer.checkpoints import file_sha256, weights_writer
from harness.trainer.npz import checkpoint_shapes, opened_weights


class FileArray(Array):  # type: ignore[misc]
    """One variable of an ``.npz``.

    Args:
        path: The file.
        name: The variable.
        shape: Of the variable.
        answer: What a client made of it.
    """

    def __init__(
        self, path: Path, name: str, shape: tuple[int, ...], answer: Answer | None = None
    ) -> None:
        self.__dict__.update(
            path=path, name=name, dtype="float32", shape=shape, stype="numpy.ndarray", answer=answer
        )

    def numpy(self) -> npt.NDArray[np.float32]:
        """Read it."""
        with opened_weights(self.path) as stored:
            if self.answer is None:
                return stored.read(self.name)
            with arrived(self.answer, stored) as held:
                return held.read(self.name)

    @property
    def data(self) -> bytes:
        """What Flower would send; only its own transports and its counts of bytes ask for it."""
        buffer = BytesIO()
        np.save(buffer, self.numpy(), allow_pickle=False)
        return buffer.getvalue()


def record_of(path: Path, answer: Answer | None = None) -> Any:
    """Return weights as an ArrayRecord.

    Args:
        path: A whole model.
        answer: What a client made of it, in place of the variables that it trained.
    """
    record = ArrayRecord()
    instead = {} if answer is None else checkpoint_shapes(answer.path)
    for name, shape in checkpoint_shapes(path).items():
        record[name] = FileArray(path, name, shape, answer if name in instead else None)
    return record


def keep(record: Any, folder: Path) -> tuple[str, Path]:
    """Write an ArrayRecord into a folder under the SHA-256 of its file, if it is not there yet.

    Returns:
        The hash, and the file.
    """
    draft = folder / "draft.npz"
    with weights_writer(draft) as writer:
        for name, value in _values(record):
            writer.write(name, value)
    sha256 = file_sha256(draft)
    path = folder / f"{sha256}.npz"
    if path.exists():
        draft.unlink()
    else:
        draft.replace(path)
    return sha256, path


def _values(record: Any) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for name, array in record.items():
        yield name, np.asarray(array.numpy(), np.float32, order="C")


def shapes_of(record: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of a record."""
    return {name: tuple(array.shape) for name, array in record.items()}
