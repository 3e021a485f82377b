"""The layers of a Conformer, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from harness.model.conformer import blocks, decoder, weights
from harness.model.conformer.configuration import FRONT, HALF, TEXT, Conformer
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
    return [_kind(spec.name)(spec, variables, config) for spec in config.layer_specs()]


def _kind(name: str) -> type[ConformerLayer]:
    if name in (FRONT, TEXT):
        return Front if name == FRONT else Text
    return {"L": Block, "H": Head, "D": Decoder}[name[0]]


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


class Text(ConformerLayer):
    """Labels, one-hot [1, B*U, V], to what decoders read, [1, B*U, d]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Multiply each label, and add where in the text it stands."""
        batch = signal.lengths.shape[0]
        y = decoder.embedded(signal.values, stored["embedding"])
        y = tf.reshape(y, [batch, -1, y.shape[2]])
        where = blocks.positions(y.shape[1], y.shape[2], signal.lengths)
        return tf.reshape(y + where, [1, -1, y.shape[2]])


class Decoder(ConformerLayer):
    """What an exit gives, then what was written, [1, B*T + B*U, d], to logits [B, U, V]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Tell what comes next after each label, from the labels before it."""
        batch, frames = signal.lengths.shape[0], self.config.output_frames
        rows = [batch * frames, signal.values.shape[1] - batch * frames]
        state, written = tf.split(signal.values, rows, 1)
        w = parted(weights.decoder(self.config), stored)
        heard = blocks.Frames(batch, frames, signal.lengths)
        return decoder.decoded(written, state, heard, w, self.config)
