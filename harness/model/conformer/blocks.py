"""The front and the Conformer block as formulas of their parts (Gulati et al., 2020).

A signal between layers is [1, B*T, d], utterance by utterance: products with [1, in, out] then need
no reshaping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from harness.model.conformer.operators import (
    convolve3,
    depthwise,
    layer_norm,
    swish,
)
from harness.model.operators import inside, runtime_zero
from harness.model.tensors import Tensor

_FAR_BELOW = -1e9
"""Added to what attention thinks of frames past an utterance."""


@dataclass(frozen=True)
class W:
    """What a part of a layer computes with."""

    parts: Mapping[str, Tensor]
    """Matrices and vectors by name."""
    multiplicand: Callable[[Tensor, Tensor | None], Tensor]
    """Makes of a signal what a product with a matrix takes; see ``TrainableLayer``."""

    def __getitem__(self, name: str) -> Tensor:
        """Return a matrix or a vector."""
        return self.parts[name]


@dataclass(frozen=True)
class Frames:
    """Which rows of a signal are frames of an utterance."""

    batch: int
    times: int
    lengths: Tensor
    """[B], at least 1."""

    @property
    def rows(self) -> Tensor:
        """[1, B*T, 1]: 1.0 within each utterance."""
        return tf.reshape(inside(self.lengths, self.times), [1, self.batch * self.times, 1])

    @property
    def bias(self) -> Tensor:
        """[B, 1, 1, T]: what is added to the scores of attention."""
        outside = 1.0 - inside(self.lengths, self.times)
        return tf.reshape(outside * _FAR_BELOW, [self.batch, 1, 1, self.times])

    @property
    def halved(self) -> Frames:
        """The same utterances at half the rate."""
        return Frames(self.batch, self.times // 2, (self.lengths + 1) // 2)


def front(x: Tensor, lengths: Tensor, w: W, strides: tuple[int, int]) -> Tensor:
    """Return the signal [1, B*T', d] of features [B, T, mels].

    Frames past an utterance are 0 after each convolution, so that what is heard does not depend on
    how long the others of a batch are.
    """
    h = x
    for name, stride in zip(("first", "second"), strides, strict=True):
        h = convolve3(w.multiplicand(h, None), w[name], w[f"{name}_bias"], stride)
        lengths = -(-lengths // stride)
        batch, times, width = h.shape
        h = h * tf.reshape(inside(lengths, times), [batch, times, 1])
    return tf.reshape(h + positions(times, width, lengths), [1, batch * times, width])


def positions(times: int, width: int, lengths: Tensor) -> Tensor:
    """Return sinusoids [1, T, d] (Vaswani et al., 2017).

    They are computed: stored, a file would hold them once a signature.
    """
    time = tf.range(times, dtype=tf.float32) + runtime_zero(lengths)
    rate = 10_000.0 ** (-np.arange(0, width, 2) / width)
    angle = tf.reshape(time, [1, times, 1]) * np.concatenate([rate, rate]).astype(np.float32)
    cosine = np.repeat([0.0, math.pi / 2], width // 2).astype(np.float32)
    return tf.sin(angle + cosine)


def block(h: Tensor, frames: Frames, w: W, heads: int) -> Tensor:
    """Pass a signal through a Conformer block."""
    h = _feed_forward(h, frames, w, "before")
    h = _attention(h, frames, w, heads)
    h = _convolution(h, frames, w)
    h = _feed_forward(h, frames, w, "after")
    return _norm(h, w, "end")


def half_block(h: Tensor, frames: Frames, w: W, heads: int) -> Tensor:
    """Pass means of neighbouring frames through a block, and give each to both again."""
    half, width = frames.halved, h.shape[2]
    masked = tf.reshape(h * frames.rows, [1, half.batch * half.times, 2, width])
    y = block(tf.reduce_mean(masked, 2), half, w, heads)
    y = tf.reshape(y, [1, half.batch * half.times, 1, width])
    return tf.reshape(tf.concat([y, y], 2), h.shape)


def _norm(h: Tensor, w: W, name: str) -> Tensor:
    return layer_norm(h, w[f"{name}_gain"], w[f"{name}_shift"])


def _linear(h: Tensor, frames: Frames, w: W, name: str) -> Tensor:
    return tf.matmul(w.multiplicand(h, frames.rows), w[name]) + w[f"{name}_bias"]


def _feed_forward(h: Tensor, frames: Frames, w: W, name: str) -> Tensor:
    inner = swish(_linear(_norm(h, w, name), frames, w, f"{name}_in"))
    return h + 0.5 * _linear(inner, frames, w, f"{name}_out")


def _attention(h: Tensor, frames: Frames, w: W, heads: int) -> Tensor:
    batch, times, width = frames.batch, frames.times, h.shape[2]
    each = width // heads
    y = _linear(_norm(h, w, "attention"), frames, w, "attention_in")
    y = tf.transpose(tf.reshape(y, [batch, times, 3, heads, each]), [2, 0, 3, 1, 4])
    query, key, value = tf.unstack(y)
    scores = tf.matmul(query * each**-0.5, key, transpose_b=True) + frames.bias
    y = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
    return h + _linear(tf.reshape(y, h.shape), frames, w, "attention_out")


def _convolution(h: Tensor, frames: Frames, w: W) -> Tensor:
    batch, times, width = frames.batch, frames.times, h.shape[2]
    y, gate = tf.split(_linear(_norm(h, w, "convolution"), frames, w, "convolution_in"), 2, 2)
    y = tf.reshape(y * tf.sigmoid(gate) * frames.rows, [batch, times, width])
    y = depthwise(w.multiplicand(y, None), w["convolution_taps"])
    y = tf.reshape(y, h.shape) + w["convolution_taps_bias"]
    return h + _linear(swish(_norm(y, w, "convolved")), frames, w, "convolution_out")
