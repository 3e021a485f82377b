"""What goes back to the host in federated training: the weights that were trained, and no others.

It is made of files alone, the kept checkpoint and the one that training began with, so that what
the interpreter holds does not matter, nor how often the trainer was killed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.compression.chosen import chosen, lot_key
from harness.compression.packed import Packed, coding_of, nonzero, pack, recoded
from harness.contract.share import Share
from harness.contract.wire import Wire, Written
from harness.trainer.checkpoints import Saved, weights_writer
from harness.trainer.npz import StoredWeights, opened_weights

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
        small = _Small(share.wire, after.shapes, None if differs else before)
        with weights_writer(path) as writer:
            for name, value in _values(names, after, before if differs else None):
                packed = small.packed(name, value)
                if packed is None:
                    writer.write(name, value)
                else:
                    writer.write_small(name, packed)
        return replace(writer.saved(), written=small.written(differs or before is not None))


def _values(
    names: Iterable[str], after: StoredWeights, before: StoredWeights | None
) -> Iterator[tuple[str, Floats]]:
    for name in names:
        value = after.read(name)
        yield name, value if before is None else value - before.read(name)


class _Small:
    """Writes weights smaller, and counts what that does to them.

    Args:
        wire: How; None: not at all.
        shapes: Of all weights of the model.
        before: What the job began with, where weights go back as they are.
    """

    def __init__(
        self, wire: Wire | None, shapes: Mapping[str, tuple[int, ...]], before: StoredWeights | None
    ) -> None:
        self._wire = wire
        self._chosen = set() if wire is None else set(chosen(shapes, wire))
        self._before = before
        self._variables = self._numbers = self._changed = self._bytes = 0
        self._lost = self._whole = 0.0

    def packed(self, name: str, value: Floats) -> Packed | None:
        """Return a weight written smaller; None: it stays as it is."""
        self._bytes += value.nbytes
        if self._wire is None or name not in self._chosen:
            return None
        key = lot_key(self._wire, name, "up")
        packed = pack(value, self._wire, key)
        self._variables += 1
        self._numbers += value.size
        if self._before is None:
            self._changed += nonzero(packed)
        else:
            old = recoded(self._before.read(name), packed, self._wire, key)
            self._changed += int(np.count_nonzero(old != packed.codes()))
        self._lost += _square(packed.value() - value)
        self._whole += _square(value)
        return packed

    def written(self, compared: bool) -> Written | None:
        """Return what it did to them; None: nothing was asked.

        Args:
            compared: Whether it is known what the job began with.
        """
        if self._wire is None:
            return None
        return Written(
            coding=coding_of(self._wire),
            variables=self._variables,
            changed=self._changed / self._numbers if self._numbers and compared else None,
            error=math.sqrt(self._lost / self._whole) if self._whole else 0.0,
            float32_bytes=self._bytes,
        )


def _square(value: Floats) -> float:
    flat = value.reshape(-1).astype(np.float64)
    return float(flat @ flat)


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
