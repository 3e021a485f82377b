"""DeepSpeech2 in Keras: its layers, its optimizer, ``train_on_batch``.

Keras' own way to sequences that end at different places is a mask, so a mask its LSTMs get.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from harness.model.deepspeech2.configuration import DeepSpeech2
from harness.model.deepspeech2.reference.network import conv_padding, ctc_loss
from harness.model.initial import Weights
from harness.model.tensors import Tensor

_EPSILON = 1e-3


class KerasNetwork(keras.Model):  # type: ignore[misc]
    """The network, some layers of it trained; statistics of batch norm stay frozen.

    Args:
        config: Sizes.
        weights: By full name, as ``harness.model.initial`` has them.
        trained: Names of the layers that train.
    """

    def __init__(
        self, config: DeepSpeech2, weights: Weights, trained: Collection[str] = ()
    ) -> None:
        super().__init__()
        layers = keras.layers
        self.config = config
        self.pads, self.convs, self.norms = [], [], []
        for n, conv in enumerate(config.convolutions):
            _, time, frequency, _ = conv_padding(config, n, conv)
            self.pads.append(layers.ZeroPadding2D((tuple(time), tuple(frequency))))
            self.convs.append(
                layers.Conv2D(conv.channels, conv.kernel, conv.stride, use_bias=conv.bias)
            )
            self.norms.append(layers.BatchNormalization(epsilon=_EPSILON))
        self.input_norm = layers.BatchNormalization(epsilon=_EPSILON) if config.input_norm else None
        self.blstms = [
            layers.Bidirectional(layers.LSTM(cells, return_sequences=True))
            for cells in config.blstm_cells
        ]
        self.last_norm = layers.BatchNormalization(epsilon=_EPSILON)
        self.dense = [
            layers.Dense(config.dense, activation="relu"),
            layers.Dense(config.outputs),
        ]
        self._freeze(trained)
        sound = tf.zeros([1, config.max_frames, config.features.mels])
        self([sound, tf.constant([config.max_frames])])  # makes the variables
        for name, direction, variable in self._places():
            value = weights[name] if direction is None else _turn(weights[name][direction])
            variable.assign(value.reshape(variable.shape))

    def ready(self, learning_rate: float) -> KerasNetwork:
        """Compile for ``train_on_batch([x, in_len, labels, lab_len])``; return itself."""
        adam = keras.optimizers.Adam(learning_rate, global_clipnorm=self.config.clip_norm)
        # XLA needs minutes to compile the time loops and runs them no faster on a CPU.
        self.compile(optimizer=adam, jit_compile=False)
        return self

    def call(self, inputs: list[Tensor], training: bool = False) -> Tensor:
        """Return logits [B, To, V] of ``[x, in_len, ...]``."""
        del training
        h, lengths = inputs[0][..., None], tf.maximum(inputs[1], 1)
        if self.input_norm is not None:
            mask = tf.sequence_mask(lengths, h.shape[1], tf.float32)[:, :, None, None]
            h = self.input_norm(h, training=False) * mask
        for pad, conv, norm in zip(self.pads, self.convs, self.norms, strict=True):
            h = norm(conv(pad(h)), training=False)
            lengths = -(-lengths // conv.strides[0])
            mask = tf.sequence_mask(lengths, h.shape[1], tf.float32)[:, :, None, None]
            h = keras.ops.relu(h) * mask
        h = keras.ops.reshape(h, [-1, h.shape[1], h.shape[2] * h.shape[3]])
        inside = tf.sequence_mask(lengths, h.shape[1])
        for blstm in self.blstms:
            h = blstm(h, mask=inside)
        h = self.last_norm(h, training=False)
        for dense in self.dense:
            h = dense(h)
        return h

    def utterance_losses(self, inputs: list[Tensor]) -> Tensor:
        """Return the CTC loss [B] of ``[x, in_len, labels, lab_len]``; 0 for a padding row."""
        _, in_len, labels, lab_len = inputs
        logits = tf.transpose(self(inputs), [1, 0, 2])
        frames = -(-tf.maximum(in_len, 1) // self.config.time_stride)
        loss = ctc_loss(logits, frames, labels, lab_len)
        return loss * tf.cast(in_len > 0, tf.float32)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Take one step; return the mean loss before it."""
        inputs = data[0]
        with tf.GradientTape() as tape:
            real = tf.reduce_sum(tf.cast(inputs[1] > 0, tf.float32))
            loss = tf.reduce_sum(self.utterance_losses(inputs)) / tf.maximum(real, 1.0)
        trained = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, [v.value for v in trained]), trained)
        return {"loss": loss}

    def by_name(self) -> Weights:
        """Return all weights by the names, and in the layout, of ``harness.model``."""
        variables: dict[str, Any] = {}
        for name, direction, variable in self._places():
            value = np.asarray(variable)
            if direction is None:
                variables[name] = value
            else:
                value = _turn(value)[None] if value.ndim == 1 else _turn(value)
                variables[name] = [*variables.get(name, []), value]
        return {name: np.stack(v) if isinstance(v, list) else v for name, v in variables.items()}

    def _freeze(self, trained: Collection[str]) -> None:
        """Keep all layers but those from training."""
        groups: list[list[Any]] = [
            [conv, norm] for conv, norm in zip(self.convs, self.norms, strict=True)
        ]
        if self.input_norm is not None:
            groups[0].append(self.input_norm)
        groups += [[blstm] for blstm in self.blstms] + [[dense] for dense in self.dense]
        groups[-3].append(self.last_norm)
        for spec, group in zip(self.config.layer_specs(), groups, strict=True):
            for layer in group:
                layer.trainable = spec.name in trained

    def _places(self) -> list[tuple[str, int | None, Any]]:
        """Return (full name, direction or None, variable) of every weight."""
        places: list[tuple[str, int | None, Any]] = []
        norms = [(f"conv{n}", "", norm) for n, norm in enumerate(self.norms, 1)]
        norms.append(("blstm4", "", self.last_norm))
        if self.input_norm is not None:
            norms.append(("conv1", "input_", self.input_norm))
        for layer, prefix, norm in norms:
            places += [
                (f"{layer}_{prefix}gamma", None, norm.gamma),
                (f"{layer}_{prefix}beta", None, norm.beta),
                (f"{layer}_moving_{prefix}mean", None, norm.moving_mean),
                (f"{layer}_moving_{prefix}variance", None, norm.moving_variance),
            ]
        named = [(f"conv{n}", conv) for n, conv in enumerate(self.convs, 1)]
        named += [(f"fc{n}", dense) for n, dense in enumerate(self.dense, 1)]
        for layer, part in named:
            places.append((f"{layer}_kernel", None, part.kernel))
            if part.bias is not None:
                places.append((f"{layer}_bias", None, part.bias))
        for n, blstm in enumerate(self.blstms, 1):
            for direction, half in enumerate((blstm.forward_layer, blstm.backward_layer)):
                places += [
                    (f"blstm{n}_input", direction, half.cell.kernel),
                    (f"blstm{n}_recurrent", direction, half.cell.recurrent_kernel),
                    (f"blstm{n}_bias", direction, half.cell.bias),
                ]
        return places


def _turn(value: Any) -> Any:
    """Swap the last two gates: input, forget, output, candidate <-> Keras' order."""
    i, f, third, fourth = np.split(value, 4, axis=-1)
    return np.concatenate([i, f, fourth, third], axis=-1)
