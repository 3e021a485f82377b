"""The layers of a Conformer, forward and backward.

A layer keeps its input only. On the way back its forward pass is made again under a gradient tape.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import tensorflow as tf

from harness.model.conformer import blocks, weights
from harness.model.conformer.configuration import FRONT, HALF, Conformer
from harness.model.conformer.weights import VECTORS, Parts
from harness.model.layer import (
    Backward,
    Forward,
    LayerSpec,
    Role,
    Signal,
    TrainableLayer,
    Variables,
)
from harness.model.operators import inside
from harness.model.tensors import Tensor


def build_layers(config: Conformer, variables: Variables) -> list[TrainableLayer]:
    """Return Front, L1, L2, Head1, ... as they compute."""
    layers: list[TrainableLayer] = []
    for spec in config.layer_specs():
        kind = Front if spec.name == FRONT else Head if spec.name.startswith("Head") else Block
        layers.append(kind(spec, variables, config))
    return layers


class RemadeLayer(TrainableLayer):
    """A layer whose backward pass makes its forward pass again, and differentiates that.

    Args:
        spec: Its name and weights.
        variables: The network's.
        config: Of the network.
    """

    def __init__(self, spec: LayerSpec, variables: Variables, config: Conformer) -> None:
        super().__init__(spec, variables)
        self.config = config

    @abstractmethod
    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Return what goes into the next layer.

        Args:
            signal: What the layer below gives.
            stored: Its variables, by name within the layer.
        """

    def forward(self, signal: Signal, role: Role) -> Forward:
        """Pass a signal on."""
        values = self.computed(signal, self._stored(signal.values))
        return Forward(self.passed(signal, values), signal if role.goes_back else None)

    def backward(self, gradient: Tensor, cache: Signal, role: Role) -> Backward:
        """Return the gradients that the role asks for."""
        stored = self._stored(gradient)
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

    def _stored(self, after: Tensor) -> dict[str, Tensor]:
        return {name: self.read(name, after) for name in self.spec.weights}


class Front(RemadeLayer):
    """Features [B, T, mels] to [1, B*T/stride, d], by two convolutions over time."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Convolve, and add where in time a frame is."""
        w = _parted(weights.front(self.config), stored)
        return blocks.front(signal.values, signal.lengths, w, self.config.strides)

    def passed(self, signal: Signal, values: Tensor) -> Signal:
        """Return the signal, with fewer frames."""
        lengths = self.output_lengths(signal.lengths)
        times = values.shape[1] // lengths.shape[0]
        return Signal(values, lengths, inside(lengths, times))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames (0 stays 0)."""
        for stride in self.config.strides:
            lengths = (lengths + stride - 1) // stride
        return lengths


class Block(RemadeLayer):
    """A Conformer layer, [1, B*T, d] to the same; perhaps with a second block at half the rate."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Pass it through the block."""
        h, heads, batch = signal.values, self.config.heads, signal.lengths.shape[0]
        parts = weights.block(self.config, int(self.spec.name[1:]))
        frames = blocks.Frames(batch, h.shape[1] // batch, signal.lengths)
        values = blocks.block(h, frames, _parted(parts, stored), heads)
        if HALF + VECTORS in stored:
            beside = _parted(parts, stored, HALF)
            values = values + blocks.half_block(h, frames, beside, heads)
        return values


class Head(RemadeLayer):
    """[1, B*T, d] to logits [T, B, V]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Multiply each frame, and put times outermost."""
        batch = signal.lengths.shape[0]
        times = signal.values.shape[1] // batch
        logits = tf.matmul(signal.values, stored["kernel"]) + stored[VECTORS]
        return tf.transpose(tf.reshape(logits, [batch, times, logits.shape[2]]), [1, 0, 2])


def _parted(parts: Parts, stored: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """Return matrices and vectors by name."""
    sizes = parts.vectors
    vectors = tf.split(stored[prefix + VECTORS], list(sizes.values()))
    matrices = {name: stored[prefix + name] for name in parts.matrices}
    return matrices | dict(zip(sizes, vectors, strict=True))
