"""A Conformer in ordinary tensorflow operations, differentiated by one gradient tape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from harness.model.bench.plain_features import plain_log_mel
from harness.model.conformer.configuration import Conformer
from harness.model.initial import Weights
from harness.model.tensors import Tensor

Formulation = Literal["tape", "apart"]
_BETA1, _BETA2, _ADAM_EPSILON = 0.9, 0.999, 1e-7


class PlainNetwork:
    """Variables, and losses of exits.

    Args:
        config: Sizes.
        weights: By full name, as ``harness.model.initial`` has them.
        formulation: ``tape``: tensorflow's own depthwise convolution and CTC; ``apart``: the
            convolution tap by tap, CTC by one kernel for all exits, which are faster on a CPU.
    """

    def __init__(
        self, config: Conformer, weights: Weights, *, formulation: Formulation = "tape"
    ) -> None:
        self.config = config
        self.formulation = formulation
        self.weights = {name: tf.Variable(value, name=name) for name, value in weights.items()}

    def trained_weights(self, layers: Collection[str]) -> list[str]:
        """Return the full names of the weights that are trained with these layers."""
        specs = self.config.layer_specs()
        return [name for spec in specs if spec.name in layers for name in spec.trained]

    def features(self, pcm: Tensor, samples: Tensor) -> Tensor:
        """Return log-mel features [max_frames, mels] of one utterance, with ``tf.signal``.

        Args:
            pcm: [samples of max_frames] int16, zeros after ``samples``.
            samples: Scalar int32.
        """
        return plain_log_mel(pcm, samples, self.config.max_frames, self.config.features)

    def frames(self, in_len: Tensor) -> Tensor:
        """Return output frames [B], at least 1."""
        return tf.cast(tf.math.ceil(tf.maximum(in_len, 1) / self.config.time_stride), tf.int32)

    def logits(self, x: Tensor, in_len: Tensor, exits: int | None = None) -> list[Tensor]:
        """Return logits [T, B, V] of the exits up to one (None: all).

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            exits: How many.
        """
        found = []
        for number, h in enumerate(self.states(x, in_len, exits), 1):
            head = f"head{number}_"
            y = h @ self.weights[head + "kernel"][0] + self.weights[head + "vectors"]
            found.append(tf.transpose(y, [1, 0, 2]))
        return found

    def states(self, x: Tensor, in_len: Tensor, exits: int | None = None) -> list[Tensor]:
        """Return what goes into the heads [B, T, d] of the exits up to one (None: all).

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
            exits: How many.
        """
        config = self.config
        deepest = config.exits_after[-1 if exits is None else exits - 1]
        h = self._front(x, tf.maximum(in_len, 1))
        inside = tf.sequence_mask(self.frames(in_len), h.shape[1])
        found = []
        for n in range(1, deepest + 1):
            entered = h
            h = self._block(entered, inside, f"l{n}_")
            if n in config.halved:
                h = h + self._half_block(entered, inside, f"l{n}_half_")
            if n in config.exits_after:
                found.append(h)
        return found

    def losses(self, batch: Sequence[Tensor], exits: Sequence[int]) -> Tensor:
        """Return the CTC loss [K, B] of some exits, counted from 1; 0 for a row of padding.

        Args:
            batch: x, in_len, labels, lab_len.
            exits: In order.
        """
        x, in_len, labels, lab_len = batch
        every = self.logits(x, in_len, max(exits))
        logits = [every[k - 1] for k in exits]
        frames, count = self.frames(in_len), len(exits)
        if self.formulation == "apart":
            loss = _ctc(
                tf.concat(logits, 1),
                tf.tile(frames, [count]),
                tf.tile(labels, [count, 1]),
                tf.tile(lab_len, [count]),
            )
            loss = tf.reshape(loss, [count, -1])
        else:
            loss = tf.stack(
                [
                    tf.nn.ctc_loss(
                        labels, y, lab_len, frames, logits_time_major=True, blank_index=0
                    )
                    for y in logits
                ]
            )
        return loss * tf.cast(in_len > 0, tf.float32)[None]

    def gradients(
        self, batch: Sequence[Tensor], trained: Collection[str], exits: Sequence[int]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the sum of the exits' mean losses, and its gradients by full name."""
        names = self.trained_weights(trained)
        variables = [self.weights[name] for name in names]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            losses = self.losses(batch, exits)
            real = tf.reduce_sum(tf.cast(batch[1] > 0, tf.float32))
            total = tf.reduce_sum(losses) / tf.maximum(real, 1.0)
        gradients = tape.gradient(total, variables)
        return total, dict(zip(names, gradients, strict=True))

    def _front(self, x: Tensor, lengths: Tensor) -> Tensor:
        vectors = self.weights["front_vectors"]
        h = x
        for name, bias, stride in zip(
            ("front_first", "front_second"), tf.split(vectors, 2), self.config.strides, strict=True
        ):
            h = tf.pad(h, [[0, 0], [1, 1 if stride == 1 else 0], [0, 0]])
            kernel = tf.reshape(self.weights[name], [3, h.shape[2], -1])
            h = tf.nn.relu(tf.nn.conv1d(h, kernel, stride, "VALID") + bias)
            lengths = -(-lengths // stride)
            h *= tf.sequence_mask(lengths, h.shape[1], tf.float32)[..., None]
        return h + sinusoids(h.shape[1], self.config.width)

    def _half_block(self, h: Tensor, inside: Tensor, name: str) -> Tensor:
        masked = h * tf.cast(inside, tf.float32)[..., None]
        y = self._block(0.5 * (masked[:, ::2] + masked[:, 1::2]), inside[:, ::2], name)
        return tf.repeat(y, 2, axis=1)

    def _block(self, h: Tensor, inside: Tensor, name: str) -> Tensor:
        config, d = self.config, self.config.width
        w = {
            n: self.weights[f"{name}{n}"]
            for n in (
                *("before_in", "before_out", "attention_in", "attention_out", "convolution_in"),
                *("convolution_taps", "convolution_out", "after_in", "after_out"),
            )
        }
        vector = _cut(self.weights[f"{name}vectors"])

        def norm(y: Tensor) -> Tensor:
            mean, variance = tf.nn.moments(y, [-1], keepdims=True)
            gain, shift = vector(d), vector(d)
            return tf.nn.batch_normalization(y, mean, variance, shift, gain, 1e-5)

        def feed_forward(h: Tensor, name: str) -> Tensor:
            first = w[f"{name}_in"][0]
            y = tf.nn.silu(norm(h) @ first + vector(first.shape[1]))
            return h + 0.5 * (y @ w[f"{name}_out"][0] + vector(d))

        h = feed_forward(h, "before")
        y = norm(h) @ w["attention_in"][0] + vector(3 * d)
        query, key, value = (
            tf.transpose(tf.reshape(part, [*part.shape[:2], config.heads, -1]), [0, 2, 1, 3])
            for part in tf.split(y, 3, -1)
        )
        scores = query @ tf.transpose(key, [0, 1, 3, 2]) / (d / config.heads) ** 0.5
        scores = tf.where(inside[:, None, None, :], scores, -1e9)
        y = tf.transpose(tf.nn.softmax(scores) @ value, [0, 2, 1, 3])
        h = h + tf.reshape(y, h.shape) @ w["attention_out"][0] + vector(d)
        y, gate = tf.split(norm(h) @ w["convolution_in"][0] + vector(2 * d), 2, -1)
        y = y * tf.sigmoid(gate) * tf.cast(inside, tf.float32)[..., None]
        y = norm(self._depthwise(y, w["convolution_taps"]) + vector(d))
        h = h + tf.nn.silu(y) @ w["convolution_out"][0] + vector(d)
        return norm(feed_forward(h, "after"))

    def _depthwise(self, y: Tensor, taps: Tensor) -> Tensor:
        times, left = y.shape[1], (self.config.kernel - 1) // 2
        y = tf.pad(y, [[0, 0], [left, self.config.kernel - 1 - left], [0, 0]])
        if self.formulation == "apart":  # tensorflow's own gradient of the taps is slow on a CPU
            parts = [y[:, k : k + times] * taps[k] for k in range(self.config.kernel)]
            return tf.add_n(parts)
        return tf.nn.depthwise_conv2d(y[:, None], taps[None, :, :, None], [1] * 4, "VALID")[:, 0]


class PlainStep:
    """A training step of one sub-model: tape, clipping a layer at a time or all, fused Adam.

    Args:
        network: Whose weights are trained.
        trained: Names of the layers that it trains.
        exits: Whose losses count, from 1.
    """

    def __init__(
        self, network: PlainNetwork, trained: Collection[str], exits: Sequence[int]
    ) -> None:
        self.network = network
        self.trained = trained
        self.exits = exits
        self.slots = {
            name: tuple(tf.Variable(tf.zeros_like(network.weights[name])) for _ in range(2))
            for name in network.trained_weights(trained)
        }
        self.step = tf.Variable(0.0)

    def __call__(self, batch: Sequence[Tensor], lr: Tensor) -> Tensor:
        """Take one step on (x, in_len, labels, lab_len); return the loss before it."""
        network = self.network
        loss, gradients = network.gradients(batch, self.trained, self.exits)
        step = self.step.assign_add(1.0)
        for names in self._clipped_together(gradients):
            group = [gradients[name] for name in names]
            clipped, _ = tf.clip_by_global_norm(group, network.config.clip_norm)
            for name, gradient in zip(names, clipped, strict=True):
                first, second = self.slots[name]
                tf.raw_ops.ResourceApplyAdam(
                    var=network.weights[name].handle,
                    m=first.handle,
                    v=second.handle,
                    beta1_power=tf.pow(_BETA1, step),
                    beta2_power=tf.pow(_BETA2, step),
                    lr=lr,
                    beta1=_BETA1,
                    beta2=_BETA2,
                    epsilon=_ADAM_EPSILON,
                    grad=gradient,
                )
        return loss

    def _clipped_together(self, gradients: Collection[str]) -> Iterator[list[str]]:
        if self.network.config.clip == "global":
            yield list(gradients)
            return
        for spec in self.network.config.layer_specs():
            names = [name for name in spec.trained if name in gradients]
            if names:
                yield names


def sinusoids(times: int, width: int) -> Tensor:
    """Return [T, d]: sines, then cosines."""
    rate = 10_000.0 ** (-np.arange(0, width, 2) / width)
    angle = np.arange(times)[:, None] * rate[None]
    return tf.constant(np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float32))


def _ctc(logits: Tensor, frames: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
    """Return tensorflow's CTC loss [B] by one CPU kernel; labels must fit into the frames."""
    inside = tf.sequence_mask(lab_len, labels.shape[1])
    sparse = tf.SparseTensor(tf.where(inside), tf.boolean_mask(labels, inside), labels.shape)
    return tf.nn.ctc_loss(sparse, logits, None, frames, logits_time_major=True, blank_index=0)


class _cut:  # noqa: N801 - used as a function
    """Cut a vector into parts, in order."""

    def __init__(self, vector: Tensor) -> None:
        self._vector = vector
        self._at = 0

    def __call__(self, size: int) -> Tensor:
        self._at += size
        return self._vector[self._at - size : self._at]
