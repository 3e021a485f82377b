"""Layers that are differentiated, not written backward by hand; matrices and vectors by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import tensorflow as tf

from harness.model.conformer.weights import VECTORS, Parts
from harness.model.layer import Backward, Forward, Role, Signal, TrainableLayer
from harness.model.tensors import Tensor


class RemadeLayer(TrainableLayer):
    """A layer whose backward pass makes its forward pass again, and differentiates that.

    It keeps its input only.
    """

    @abstractmethod
    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Return what goes into the next layer.

        Args:
            signal: What the layer below gives.
            stored: Its variables, by name within the layer.
        """

    def forward(self, signal: Signal, role: Role) -> Forward:
        """Pass a signal on."""
        values = self.computed(signal, self.stored(signal.values))
        return Forward(self.passed(signal, values), signal if role.goes_back else None)

    def backward(self, gradient: Tensor, cache: Signal, role: Role) -> Backward:
        """Return the gradients that the role asks for."""
        stored = self.stored(gradient)
        trained = stored if role.trained else {}
        below = [cache.values] if role.passes_on else []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*trained.values(), *below])
            values = self.computed(cache, stored)
        found, down = tape.gradient(values, (trained, below), output_gradients=gradient)
        return Backward(down[0] if down else None, self.named(found))

    def passed(self, signal: Signal, values: Tensor) -> Signal:
        """Return the signal that goes on."""
        return Signal(values, signal.lengths, signal.mask)

    def stored(self, after: Tensor) -> dict[str, Tensor]:
        """Return its variables by name within the layer, read no earlier than ``after``."""
        return {name: self.read(name, after) for name in self.spec.weights}


def parted(parts: Parts, stored: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """Return matrices and vectors by name, of a layer's variables.

    Args:
        parts: What the layer computes with.
        stored: Its variables, by name within the layer.
        prefix: Before their names.
    """
    sizes = parts.vectors
    vectors = tf.split(stored[prefix + VECTORS], list(sizes.values()))
    matrices = {name: stored[prefix + name] for name in parts.matrices}
    return matrices | dict(zip(sizes, vectors, strict=True))
