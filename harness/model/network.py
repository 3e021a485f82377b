"""DeepSpeech2: forward pass, loss, and gradients of the layers from one layer up.

Layers below the first trained one keep nothing for the backward pass and get no gradient: that is
what makes a smaller sub-model cheaper in time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import tensorflow as tf

from harness.model.blstm import BlstmCache, BlstmWeights, blstm_backward, blstm_forward
from harness.model.configuration import (
    LAYERS,
    NO_LAYER,
    NetworkConfig,
    is_trainable,
    weight_shapes,
)
from harness.model.conv import (
    conv_forward,
    conv_input_gradient,
    conv_kernel_gradient,
    padding,
)
from harness.model.ctc import ctc_loss_and_gradient
from harness.model.initial import initial_weights
from harness.model.normalise import Norm, NormCache, norm_backward, norm_forward
from harness.model.operators import product
from harness.model.recurrent import RecurrentProduct, recurrent_product
from harness.model.tensors import Tensor

_FC1, _FC2 = LAYERS.index("FC1"), LAYERS.index("FC2")


@dataclass
class _Tape:
    """What the forward pass leaves for the backward pass, by layer."""

    inputs: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    norms: dict[str, tuple[Norm, NormCache]] = field(default_factory=dict)
    blstms: dict[str, BlstmCache] = field(default_factory=dict)
    kernels: dict[str, Tensor] = field(default_factory=dict)
    masks: list[Tensor] = field(default_factory=list)
    moved: dict[str, Tensor] = field(default_factory=dict)


class Network:
    """The network's variables and what can be computed with them.

    Args:
        config: Sizes.
        seed: Of the first weights.
        batch_statistics: Normalise trained layers with the batch's own statistics (pre-training).
        flatbuffer: Written for the interpreter of a flatbuffer; tensorflow could not run it.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        seed: int,
        batch_statistics: bool = False,
        flatbuffer: bool = False,
    ) -> None:
        self.config = config
        self.batch_statistics = batch_statistics
        self._product = RecurrentProduct()
        if flatbuffer:
            self._product = recurrent_product(config.batch_size, config.hidden)
        self.weights = {
            name: tf.Variable(value, name=name)
            for name, value in initial_weights(config, seed).items()
        }
        """By full name, ``conv1_kernel``; in the order of ``weight_shapes``."""

    def trainable(self, first: int = 0) -> list[str]:
        """Return the full names of the weights trained from layer ``first`` up."""
        return [
            full_name(layer, name)
            for layer, names in weight_shapes(self.config).items()
            if LAYERS.index(layer) >= first
            for name in names
            if is_trainable(name)
        ]

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames."""
        for conv in self.config.convolutions:
            lengths = (lengths + conv.stride[0] - 1) // conv.stride[0]
        return lengths

    def infer(self, x: Tensor, in_len: Tensor, *, first: int = NO_LAYER) -> tuple[Tensor, Tensor]:
        """Return logits [To, B, V] and output lengths [B] (0 for an empty row).

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            first: As if layers from here up were in training; it matters to batch statistics.
        """
        logits = self._forward(x, tf.maximum(in_len, 1), first, _Tape())
        return logits, self.output_lengths(in_len)

    def loss(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the CTC loss [B]; 0 for an empty row."""
        frames = tf.maximum(in_len, 1)
        logits = self._forward(x, frames, NO_LAYER, _Tape())
        loss, _ = self._ctc(logits, labels, frames, lab_len)
        return loss * _real(in_len)

    def gradients(
        self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor, first: int
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Return the mean loss of the real rows, its gradients, and moved statistics.

        Args:
            x: [B, T, mels].
            in_len: [B]; rows of length 0 count for nothing.
            labels: [B, L].
            lab_len: [B].
            first: Index in ``LAYERS`` of the first trained layer.

        Returns:
            Scalar; gradients by full name; new moving statistics by full name (none if frozen).
        """
        tape = _Tape()
        frames = tf.maximum(in_len, 1)
        logits = self._forward(x, frames, first, tape)
        loss, d_logits = self._ctc(logits, labels, frames, lab_len)
        real = _real(in_len)
        share = real / tf.maximum(tf.reduce_sum(real), 1.0)
        gradients = self._backward(d_logits * share[None, :, None], frames, first, tape)
        return tf.reduce_sum(loss * share), gradients, tape.moved

    def _ctc(
        self, logits: Tensor, labels: Tensor, frames: Tensor, lab_len: Tensor
    ) -> tuple[Tensor, Tensor]:
        return ctc_loss_and_gradient(
            logits,
            labels,
            self.output_lengths(frames),
            lab_len,
            unroll=self.config.unroll,
            in_tensorflow=self._product.in_tensorflow,
        )

    def _read(self, layer: str, name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a weight, made no earlier than ``after``.

        A converted file keeps a copy from where it was read to its last use; without ``after`` all
        are read at the start. So large ones are read where they are needed, and again on the way
        back.
        """
        with tf.control_dependencies([] if after is None else [after]):
            return tf.identity(self.weights[full_name(layer, name)])

    def _blstm_weights(self, layer: str, after: Tensor) -> BlstmWeights:
        return BlstmWeights(
            self._read(layer, "input", after),
            self._read(layer, "recurrent", after),
            self._read(layer, "bias", after),
        )

    def _norm(self, layer: str, prefix: str = "") -> Norm:
        return Norm(
            self._read(layer, f"{prefix}gamma"),
            self._read(layer, f"{prefix}beta"),
            self._read(layer, f"moving_{prefix}mean"),
            self._read(layer, f"moving_{prefix}variance"),
        )

    def _normalise(
        self, y: Tensor, layer: str, mask: Tensor, first: int, tape: _Tape, prefix: str = ""
    ) -> Tensor:
        norm = self._norm(layer, prefix)
        trained = LAYERS.index(layer) >= first
        y, cache, moved = norm_forward(y, norm, mask, from_batch=self.batch_statistics and trained)
        if trained:
            tape.norms[prefix + layer] = norm, cache
        for name, value in moved.items():
            tape.moved[full_name(layer, f"moving_{prefix}{name.removeprefix('moving_')}")] = value
        return y

    def _forward(self, x: Tensor, frames: Tensor, first: int, tape: _Tape) -> Tensor:
        config = self.config
        shapes = config.conv_shapes()
        h = tf.reshape(x, [config.batch_size, config.max_frames, config.features.mels, 1])
        lengths = frames
        tape.masks.append(_inside(lengths, shapes[0][0]))
        if config.input_norm:
            h = self._normalise(h, "CONV1", tape.masks[0], first, tape, "input_") * tape.masks[0]
        for n, conv in enumerate(config.convolutions):
            layer = LAYERS[n]
            lengths = (lengths + conv.stride[0] - 1) // conv.stride[0]
            tape.masks.append(_inside(lengths, shapes[n + 1][0]))
            kernel = self._read(layer, "kernel")
            zeros = padding(conv, shapes[n][:2], shapes[n + 1][:2])
            y = conv_forward(h, kernel, conv.stride, zeros)
            if conv.bias:
                y = y + self._read(layer, "bias")
            y = self._normalise(y, layer, tape.masks[-1], first, tape)
            out = tf.nn.relu(y) * tape.masks[-1]
            if n >= first:
                tape.inputs[layer], tape.outputs[layer], tape.kernels[layer] = h, out, kernel
            h = out
        times, frequencies, channels = shapes[-1]
        rows = times * config.batch_size
        h = tf.reshape(tf.transpose(h, [1, 0, 2, 3]), [rows, frequencies * channels])
        for layer in LAYERS[3:7]:
            weights = self._blstm_weights(layer, h)
            trained = LAYERS.index(layer) >= first
            h, cache = blstm_forward(
                h,
                weights,
                lengths,
                unroll=config.unroll,
                keep=trained,
                product=self._product,
            )
            if cache is not None:
                tape.blstms[layer] = cache
        mask = tf.transpose(tf.reshape(tape.masks[-1], [config.batch_size, times]))
        tape.masks.append(tf.reshape(mask, [rows, 1]))
        tape.inputs["FC1"] = self._normalise(h, "BLSTM4", tape.masks[-1], first, tape)
        for layer in ("FC1", "FC2"):
            tape.kernels[layer] = self._read(layer, "kernel", tape.inputs[layer])
            y = product(tape.inputs[layer], tape.kernels[layer]) + self._read(layer, "bias")
            if layer == "FC1":
                tape.inputs["FC2"] = tf.nn.relu(y)
        return tf.reshape(y, [times, config.batch_size, config.outputs])

    def _backward(
        self, d_logits: Tensor, frames: Tensor, first: int, tape: _Tape
    ) -> dict[str, Tensor]:
        times, batch, outputs = d_logits.shape
        found: dict[str, Tensor] = {}
        d = tf.reshape(d_logits, [times * batch, outputs])
        found["fc2_kernel"] = product(tape.inputs["FC2"], d, transpose_a=True)
        found["fc2_bias"] = tf.reduce_sum(d, 0)
        if first <= _FC1:
            d = product(d, tape.kernels["FC2"], transpose_b=True)
            d = d * tf.cast(tape.inputs["FC2"] > 0, tf.float32)
            found["fc1_kernel"] = product(tape.inputs["FC1"], d, transpose_a=True)
            found["fc1_bias"] = tf.reduce_sum(d, 0)
        if first < _FC1:
            d = product(d, tape.kernels["FC1"], transpose_b=True) * tape.masks[-1]
            d = self._norm_back(d, "BLSTM4", tape.masks[-1], tape, found)
            d = self._blstm_back(d, frames, first, tape, found)
        if first < LAYERS.index("BLSTM1"):
            self._conv_back(d, first, tape, found)
        return {name: found[name] for name in self.trainable(first)}

    def _norm_back(
        self,
        d: Tensor,
        layer: str,
        mask: Tensor,
        tape: _Tape,
        found: dict[str, Tensor],
        prefix: str = "",
    ) -> Tensor:
        norm, cache = tape.norms[prefix + layer]
        d, gradients = norm_backward(d, cache, norm, mask)
        for name, gradient in gradients.items():
            found[full_name(layer, prefix + name)] = gradient
        return d

    def _blstm_back(
        self, d: Tensor, frames: Tensor, first: int, tape: _Tape, found: dict[str, Tensor]
    ) -> Tensor:
        lengths = self.output_lengths(frames)
        for index in range(6, max(first, 3) - 1, -1):
            layer = LAYERS[index]
            d, gradients = blstm_backward(
                d,
                tape.blstms[layer],
                self._blstm_weights(layer, d),
                lengths,
                input_gradient=index > first,
            )
            for name, gradient in gradients.items():
                found[full_name(layer, name)] = gradient
        return d

    def _conv_back(self, d: Tensor, first: int, tape: _Tape, found: dict[str, Tensor]) -> None:
        config = self.config
        shapes = config.conv_shapes()
        times, frequencies, channels = shapes[-1]
        d = tf.reshape(d, [times, config.batch_size, frequencies, channels])
        d = tf.transpose(d, [1, 0, 2, 3])
        for n in range(2, first - 1, -1):
            layer, conv = LAYERS[n], config.convolutions[n]
            zeros = padding(conv, shapes[n][:2], shapes[n + 1][:2])
            # Where an output is 0 (ReLU closed, or past the utterance) nothing flows back.
            d = d * tf.cast(tape.outputs[layer] > 0, tf.float32)
            d = self._norm_back(d, layer, tape.masks[n + 1], tape, found)
            if conv.bias:
                found[full_name(layer, "bias")] = tf.reduce_sum(d, [0, 1, 2])
            x, kernel = tape.inputs[layer], tape.kernels[layer]
            found[full_name(layer, "kernel")] = conv_kernel_gradient(
                x, d, kernel, conv.stride, zeros
            )
            if n > first or (n == 0 and config.input_norm):
                shape = [config.batch_size, *shapes[n]]
                d = conv_input_gradient(d, kernel, shape, conv.stride, zeros)
        if first == 0 and config.input_norm:
            self._norm_back(d * tape.masks[0], "CONV1", tape.masks[0], tape, found, "input_")


def full_name(layer: str, name: str) -> str:
    """Return the name of a weight in signatures and checkpoints: ``conv1_kernel``."""
    return f"{layer.lower()}_{name}"


def _real(in_len: Tensor) -> Tensor:
    """[B] -> 1.0 for an utterance, 0.0 for a row of padding."""
    return tf.cast(in_len > 0, tf.float32)


def _inside(lengths: Tensor, steps: int) -> Tensor:
    """[B] -> [B, steps, 1, 1]: 1.0 within each utterance."""
    mask = tf.cast(tf.range(steps)[None, :] < lengths[:, None], tf.float32)
    return tf.reshape(mask, [lengths.shape[0], steps, 1, 1])
