"""The layers of a transducer, forward and backward.

Those of the encoder pass [1, B*rows, d] on, utterance by utterance. The predictor takes one-hot
labels; the joint network takes what both give, one after the other in each utterance.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from harness.model.configuration import Form
from harness.model.layer import LayerSpec, Signal, TrainableLayer, Variables
from harness.model.operators import inside
from harness.model.remade import RemadeLayer, parted
from harness.model.tensors import Tensor
from harness.model.transducer import emformer, weights
from harness.model.transducer.configuration import ENCODED, FRONT, JOINT, PREDICTOR, Transducer
from harness.model.transducer.emformer import Layout
from harness.model.transducer.joint import lattice_logits
from harness.model.transducer.lstm import Loop
from harness.model.transducer.predictor import whole_text


def build_layers(config: Transducer, variables: Variables, form: Form) -> list[TrainableLayer]:
    """Return Front, L1 .. , Encoded, Predictor, Joint as they compute."""
    named: dict[str, type[Front | Encoded | Predictor | Joint]] = {
        FRONT: Front,
        ENCODED: Encoded,
        PREDICTOR: Predictor,
        JOINT: Joint,
    }
    return [
        named.get(spec.name, Block)(spec, variables, config, form) for spec in config.layer_specs()
    ]


class TransducerLayer(RemadeLayer):
    """A layer of a transducer.

    Args:
        spec: Its name and weights.
        variables: The network's.
        config: Of the network.
        form: For whom it is written.
    """

    def __init__(
        self, spec: LayerSpec, variables: Variables, config: Transducer, form: Form
    ) -> None:
        super().__init__(spec, variables)
        self.config = config
        self.form = form

    def by_part(self, after: Tensor) -> dict[str, Tensor]:
        """Return its matrices and vectors by name, read no earlier than ``after``."""
        return self.parts(self.stored(after))

    def parts(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return matrices and vectors by name."""
        return dict(stored)


class Front(TransducerLayer):
    """Features [B, T, mels] to rows: brought down, joined, rights of segments copied."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Join frames and lay them out."""
        frames = emformer.joined(signal.values, stored["kernel"], self.config.reduction)
        rows = Layout.of(self.config).spread(frames)
        return tf.reshape(rows, [1, rows.shape[0] * rows.shape[1], rows.shape[2]])

    def passed(self, signal: Signal, values: Tensor) -> Signal:
        """Return the signal, with fewer frames."""
        lengths = self.output_lengths(signal.lengths)
        return Signal(values, lengths, inside(lengths, self.config.frames))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return joined frames [B] of utterances of ``lengths`` frames of features."""
        return (lengths + self.config.reduction - 1) // self.config.reduction


class Block(TransducerLayer):
    """An Emformer layer, [1, B*rows, d] to the same."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Pass all segments through it."""
        layout, config = Layout.of(self.config), self.config
        _, count, width = signal.values.shape
        h = tf.reshape(signal.values, [count // layout.rows, layout.rows, width])
        bias = layout.bias(signal.lengths)
        h = emformer.whole_layer(h, bias, self.parts(stored), config.heads, config.activation)
        return tf.reshape(h, signal.values.shape)

    def parts(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return matrices and vectors by name."""
        return parted(weights.block(self.config), stored)


class Encoded(TransducerLayer):
    """[1, B*rows, d] to what the joint network takes of each frame, [1, B*T, encoding]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Leave the copies out, and multiply each frame."""
        layout, count = Layout.of(self.config), self.config.frames
        _, rows, width = signal.values.shape
        h = tf.reshape(signal.values, [rows // layout.rows, layout.rows, width])
        h = layout.frames(h, count)
        h = tf.reshape(h, [1, h.shape[0] * count, width])
        return emformer.encoded(h, self.parts(stored))

    def parts(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return matrices and vectors by name."""
        return parted(weights.encoded(self.config), stored)


class Predictor(TransducerLayer):
    """One-hot labels [1, B*(U+1), V], the blank before them, to [1, B*(U+1), encoding]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Read the texts; the signal's lengths are their labels and one."""
        loop = Loop(signal.lengths, self.config.unroll, not self.form.flatbuffer)
        return whole_text(signal.values, self.parts(stored), loop)

    def parts(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return matrices and vectors by name."""
        return parted(weights.predictor(self.config), stored)


class Joint(TransducerLayer):
    """What encoder and predictor give, [B, T + U+1, encoding], to logits [B, T, U+1, V]."""

    def computed(self, signal: Signal, stored: Mapping[str, Tensor]) -> Tensor:
        """Add each frame to each number of labels."""
        both, times = signal.values, self.config.frames
        heard, written = tf.split(both, [times, both.shape[1] - times], 1)
        return lattice_logits(heard, written, self.parts(stored))

    def parts(self, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return matrices and vectors by name."""
        return parted(weights.joint(self.config), stored)
