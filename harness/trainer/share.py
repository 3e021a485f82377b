"""What goes back to the host in federated training: the weights that were trained, and no others.

It is made of files alone, the kept checkpoint and the one that training began with, so that what
the interpreter holds does not matter, nor how often the trainer was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.contract.share import Share
from harness.trainer.checkpoints import Saved, weights_writer
from harness.trainer.npz import StoredWeights, opened_weights
from harness.trainer.packing import Packing

Floats = npt.NDArray[np.float32]
UPDATE = "update.npz"


def write_update(
    path: Path, kept: Path, start: Path | None, names: Iterable[str], share: Share
) -> Saved:
    """Write what a job shares.

    Args:
        path: Of the file to write.
        kept: The checkpoint that counts.
        start: The checkpoint that training began with; only differences need one.
        names: Of the weights of the trained layers.
        share: As they are or as differences from ``start``, and how they are written.

    Raises:
        InputError: A checkpoint is damaged.
        OSError: The disk is full, for example.
    """
    with ExitStack() as stack:
        after = stack.enter_context(opened_weights(kept))
        differs = share.form == "delta"
        before = None
        if start is not None and (differs or share.wire is not None):
            before = stack.enter_context(opened_weights(start))
        small = Packing(share.wire, after.shapes, "up", None if differs else before)
        with weights_writer(path) as writer:
            for name, value in _values(names, after, before if differs else None):
                small.write(writer, name, value)
        return replace(writer.saved(), written=small.written(differs or before is not None))


def _values(
    names: Iterable[str], after: StoredWeights, before: StoredWeights | None
) -> Iterator[tuple[str, Floats]]:
    for name in names:
        value = after.read(name)
        yield name, value if before is None else value - before.read(name)


def pulled_back(value: Floats, start: Floats, amount: float) -> Floats:
    """Return a weight after FedProx's step towards where it began.

    The flatbuffer's own step is Adam's and cannot take another term into its gradient, so the
    term acts beside it, as weight decay does in AdamW.

    Args:
        value: The weight after a step.
        start: What training began with.
        amount: Learning rate times mu.
    """
    return value - np.float32(amount) * (value - start)
