"""What goes back to the host in federated training: the weights that were trained, and no others.

It is made of files alone, the kept checkpoint and the one that training began with, so that what
the interpreter holds does not matter, nor how often the trainer was killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.contract.share import Form
from harness.trainer.checkpoints import Saved, write_weights
from harness.trainer.npz import StoredWeights, opened_weights

Floats = npt.NDArray[np.float32]
UPDATE = "update.npz"


def write_update(
    path: Path, kept: Path, start: Path | None, names: Iterable[str], form: Form
) -> Saved:
    """Write what a job shares.

    Args:
        path: Of the file to write.
        kept: The checkpoint that counts.
        start: The checkpoint that training began with; only differences need one.
        names: Of the weights of the trained layers.
        form: As they are, or as differences from ``start``.

    Raises:
        InputError: A checkpoint is damaged.
        OSError: The disk is full, for example.
    """
    with ExitStack() as stack:
        after = stack.enter_context(opened_weights(kept))
        before = None
        if form == "delta" and start is not None:
            before = stack.enter_context(opened_weights(start))
        return write_weights(path, _values(names, after, before))


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
