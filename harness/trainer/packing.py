"""Weights on their way into a file, some of them written smaller."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from harness.compression.chosen import chosen, lot_key
from harness.compression.packed import Packed, coding_of, nonzero, pack, recoded
from harness.contract.wire import Wire, Written
from harness.trainer.checkpoints import WeightsWriter
from harness.trainer.npz import StoredWeights

Floats = npt.NDArray[np.float32]


class Packing:
    """Writes weights smaller, and counts what that does to them.

    Args:
        wire: How; None: not at all.
        shapes: Of all weights of the model.
        direction: ``up``, or where else they go: a part of the key of rounding by lot.
        before: What the job began with, where weights go back as they are.
    """

    def __init__(
        self,
        wire: Wire | None,
        shapes: Mapping[str, tuple[int, ...]],
        direction: str,
        before: StoredWeights | None = None,
    ) -> None:
        self._wire = wire
        self._direction = direction
        self._chosen = set() if wire is None else set(chosen(shapes, wire))
        self._before = before
        self._variables = self._numbers = self._changed = self._bytes = 0
        self._lost = self._whole = 0.0

    def write(self, writer: WeightsWriter, name: str, value: Floats) -> None:
        """Write a weight, smaller if it is one of those that are."""
        packed = self._packed(name, value)
        if packed is None:
            writer.write(name, value)
        else:
            writer.write_small(name, packed)

    def _packed(self, name: str, value: Floats) -> Packed | None:
        self._bytes += value.nbytes
        if self._wire is None or name not in self._chosen:
            return None
        key = lot_key(self._wire, name, self._direction)
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
