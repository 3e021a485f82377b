"""How the encoded variables of a network are rounded, and how many of their codes change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from harness.model.resident.lots import Lots, Place
from harness.model.resident.variable import EncodedVariable
from harness.model.tensors import Tensor


class Rounding:
    """The rounding of a network's encoded variables.

    Args:
        encoded: Them, by full name.
        stochastic: By lot; else to the nearest.
    """

    def __init__(self, encoded: Mapping[str, EncodedVariable], *, stochastic: bool) -> None:
        self.seed = tf.Variable(0, dtype=tf.int32, name="rounding_seed")
        self._counts = tf.Variable([0.0, 0.0], name="rounding_counts")
        """Codes of weights that changed in the step, and all that were written."""
        self._stochastic = stochastic
        self._places: dict[str, list[Place]] = {}
        number = 0
        for name, variable in encoded.items():
            self._places[name] = []
            for block in variable.blocks:
                self._places[name].append(Place(number, block.cut.rows, block.cut.columns))
                number += 1

    @property
    def variables(self) -> tuple[Tensor, ...]:
        """What it keeps."""
        return self.seed, self._counts

    def begin(self, step: Tensor) -> RoundedStep:
        """Begin a step.

        Args:
            step: Its number, a scalar float.
        """
        zero = self._counts.read_value() * 0.0
        self._counts.assign(zero)
        if not self._stochastic:
            return RoundedStep(self._counts, self._places, None)
        places = [place for of_one in self._places.values() for place in of_one]
        width = max(place.width for place in places)
        number = tf.cast(step, tf.int32)
        lots = Lots(self.seed.read_value(), number, len(places), width)
        return RoundedStep(self._counts, self._places, lots)

    def changed(self) -> Tensor:
        """Return the share of the codes of weights that the step changed."""
        changed, written = tf.unstack(self._counts.read_value())
        return changed / tf.maximum(written, 1.0)


@dataclass(frozen=True)
class RoundedStep:
    """The rounding of one step."""

    counts: Tensor
    places: Mapping[str, list[Place]]
    table: Lots | None

    def lots(self, name: str, block: int, turn: float = 0.0) -> Tensor | None:
        """Return the lots of a block of a weight; None: nothing of it is rounded by lot.

        Args:
            name: Of the weight.
            block: Which of its blocks.
            turn: Another value of the same block has another.
        """
        if self.table is None or name not in self.places:
            return None
        return self.table.of(self.places[name][block], turn)

    def count(self, changed: Tensor, written: int, after: Tensor) -> Tensor:
        """Add a block's codes; return what to wait for."""
        with tf.control_dependencies([after]):
            more = tf.stack([changed, tf.fill([], float(written))])
            return self.counts.assign(self.counts.read_value() + more, read_value=False)
