"""The layers of a Conformer, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from harness.model.conformer import blocks, weights
from harness.model.conformer.configuration import FRONT, HALF, Conformer
from harness.model.conformer.weights import VECTORS, Parts
from harness.model.layer import LayerSpec, Signal, TrainableLayer, Variables
from harness.model.operators import inside
from harness.model.remade import RemadeLayer, parted
from harness.model.tensors import Tensor


class ConformerLayer(RemadeLayer):
    """A layer of a Conformer.

    Args:
        spec: Its name and weights.
        variables: The network's.
        config: Of the network.
    """

    def __init__(self, spec: LayerSpec, variables: Variables, config: Conformer) -> None:
        super().__init__(spec, variables)
        self.config = config

    def _with(self, parts: Parts, stored: Mapping[str, Tensor], prefix: str = "") -> blocks.W:
        return blocks.W(parted(parts, stored, prefix), self.multiplicand)


def build_layers(config: Conformer, variables: Variables) -> list[TrainableLayer]:
    """Return Front, L1, L2, Head1, ... as they compute."""
    layers: list[TrainableLayer] = []
    for spec in config.layer_specs():
        kind = Front if spec.name == FRONT else Head if spec.name.startswith("Head") else Block
        layers.append(kind(spec, variables, config))
    return layers


class Front(ConformerLayer):
    """Features [B, T, mels] to [1, B*T/stride, d], by two convolutions over time."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Convolve, and add where in time a frame is."""
        w = self._with(weights.front(self.config), stored)
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


class Block(ConformerLayer):
    """A Conformer layer, [1, B*T, d] to the same; perhaps with a second block at half the rate."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Pass it through the block."""
        h, heads, batch = signal.values, self.config.heads, signal.lengths.shape[0]
        parts = weights.block(self.config, int(self.spec.name[1:]))
        frames = blocks.Frames(batch, h.shape[1] // batch, signal.lengths)
        values = blocks.block(h, frames, self._with(parts, stored), heads)
        if HALF + VECTORS in stored:
            beside = self._with(parts, stored, HALF)
            values = values + blocks.half_block(h, frames, beside, heads)
        return values


class Head(ConformerLayer):
    """[1, B*T, d] to logits [T, B, V]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Multiply each frame, and put times outermost."""
        batch = signal.lengths.shape[0]
        times = signal.values.shape[1] // batch
        inside = tf.reshape(signal.mask, [1, batch * times, 1])
        taken = self.multiplicand(signal.values, inside)
        logits = tf.matmul(taken, stored["kernel"]) + stored[VECTORS]
        return tf.transpose(tf.reshape(logits, [batch, times, logits.shape[2]]), [1, 0, 2])
