"""The Emformer layer as formulas: over a whole utterance, and over one segment with a state.

A segment attends to itself, to the frames after it that it waits for (its right), and to some
before it. Frames of a right go through all layers beside their segment, as copies: so what a
segment gives is the same however much of the utterance is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from harness.model.conformer.operators import layer_norm, relu, swish
from harness.model.operators import runtime_zero
from harness.model.tensors import Tensor
from harness.model.transducer.configuration import Transducer

_FAR_BELOW = -1e9
"""Added to what attention thinks of frames that are not to be seen."""

W = Mapping[str, Tensor]
"""Matrices and vectors by name."""


def gelu(x: Tensor) -> Tensor:
    """Return x times the normal distribution's share below x, by its approximation with tanh."""
    return 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": gelu, "silu": swish, "relu": relu}


def joined(features: Tensor, kernel: Tensor, reduction: int) -> Tensor:
    """Bring frames down and put some side by side: [B, T, mels] -> [B, T/reduction, width]."""
    batch, times, mels = features.shape
    rows = tf.matmul(tf.reshape(features, [1, batch * times, mels]), kernel)
    return tf.reshape(rows, [batch, times // reduction, reduction * kernel.shape[2]])


@dataclass(frozen=True)
class Layout:
    """How the rows of a whole utterance lie: rights of all segments first, then all frames."""

    segments: int
    chunk: int
    """Frames of a segment."""
    ahead: int
    """Frames of its right."""
    left: int
    """Frames before it that are attended to."""

    @staticmethod
    def of(config: Transducer) -> Layout:
        """Return the layout of a full-length utterance."""
        return Layout(config.segments, config.chunk, config.ahead, config.left)

    @property
    def rows(self) -> int:
        """Rows of an utterance."""
        return self.segments * (self.chunk + self.ahead)

    @property
    def rights(self) -> int:
        """Rows that are copies."""
        return self.segments * self.ahead

    def spread(self, frames: Tensor) -> Tensor:
        """[B, N, d] -> [B, rows, d]: the rights, then the frames (zeros past the last)."""
        batch, count, width = frames.shape
        whole = (self.segments + 1) * self.chunk
        padded = tf.pad(frames, [[0, 0], [0, whole - count], [0, 0]])
        inner = [batch, self.segments * self.chunk, width]
        after = tf.reshape(
            tf.slice(padded, [0, self.chunk, 0], inner), [batch, self.segments, self.chunk, width]
        )
        right = tf.slice(after, [0, 0, 0, 0], [batch, self.segments, self.ahead, width])
        right = tf.reshape(right, [batch, self.rights, width])
        return tf.concat([right, tf.slice(padded, [0, 0, 0], inner)], 1)

    def frames(self, rows: Tensor, count: int) -> Tensor:
        """[B, rows, d] -> [B, count, d]: the frames without the copies."""
        return tf.slice(rows, [0, self.rights, 0], [rows.shape[0], count, rows.shape[2]])

    def bias(self, lengths: Tensor) -> Tensor:
        """Return [B, 1, rows, rows]: what is added to the scores of attention.

        It is computed at run time: stored, a file would hold it once a signature.

        Args:
            lengths: [B] frames of each utterance.
        """
        segment = np.arange(self.segments)
        times = np.concatenate(
            [
                (segment[:, None] + 1) * self.chunk + np.arange(self.ahead),
                segment[:, None] * self.chunk + np.arange(self.chunk),
            ],
            axis=None,
        ).astype(np.float32)
        of_segment = np.concatenate(
            [np.repeat(segment, self.ahead), np.repeat(segment, self.chunk)]
        ).astype(np.float32)
        is_right = (np.arange(self.rows) < self.rights).astype(np.float32)
        zero = runtime_zero(lengths)
        asking = (of_segment + zero)[:, None]
        time = (times + zero)[None, :]
        own = _yes(tf.equal(asking, of_segment[None, :]))
        first = asking * self.chunk - self.left
        near = _yes(time >= first) * _yes(time < (asking + 1.0) * self.chunk)
        seen = own * is_right + near * (1.0 - is_right)
        there = _yes(times[None, :] < tf.cast(lengths, tf.float32)[:, None])
        allowed = seen[None] * there[:, None, :]
        return tf.expand_dims((1.0 - allowed) * _FAR_BELOW, 1)


def whole_layer(h: Tensor, bias: Tensor, w: W, heads: int, activation: str) -> Tensor:
    """Pass whole utterances [B, rows, d] through a layer."""
    query, key, value = _projected(h, w)
    return _finished(h, _attended(query, key, value, bias, heads), w, activation)


@dataclass(frozen=True)
class Past:
    """What a layer remembers of the frames before a segment."""

    keys: Tensor
    """[1, left, d]"""
    values: Tensor
    """[1, left, d]"""


def segment_layer(
    h: Tensor, past: Past, bias: Tensor, w: W, config: Transducer
) -> tuple[Tensor, Past]:
    """Pass one segment [1, ahead + chunk, d], its right first, through a layer.

    Args:
        h: Rows.
        past: Of the frames before it.
        bias: [1, 1, 1, ahead + left + chunk], as from ``segment_bias``.
        w: Of the layer.
        config: Sizes.
    """
    query, key, value = _projected(h, w)
    keys, values = (
        tf.concat([_part(now, 0, config.ahead), before, _part(now, config.ahead, config.chunk)], 1)
        for now, before in ((key, past.keys), (value, past.values))
    )
    attended = _attended(query, keys, values, bias, config.heads)
    after = Past(
        *(_part(a, config.ahead + config.chunk, config.left) for a in (keys, values)),
    )
    return _finished(h, attended, w, config.activation), after


def segment_bias(valid: Tensor, past: Tensor, config: Transducer) -> Tensor:
    """Return [1, 1, 1, ahead + left + chunk]: what is added to the scores of attention.

    Args:
        valid: Scalar int32: joined frames of segment and right that are the utterance's.
        past: Scalar int32: frames before the segment.
        config: Sizes.
    """
    right = tf.range(config.chunk, config.chunk + config.ahead) < valid
    left = tf.range(config.left, 0, -1) <= past
    own = tf.range(config.chunk) < valid
    seen = tf.concat([_yes(right), _yes(left), _yes(own)], 0)
    return tf.reshape((1.0 - seen) * _FAR_BELOW, [1, 1, 1, seen.shape[0]])


def encoded(h: Tensor, w: W) -> Tensor:
    """Return what leaves the encoder: [1, N, d] -> [1, N, encoding]."""
    return layer_norm(tf.matmul(h, w["kernel"]) + w["bias"], w["end_gain"], w["end_shift"])


def _projected(h: Tensor, w: W) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values [B, rows, d]."""
    y = layer_norm(h, w["attention_gain"], w["attention_shift"])
    query = _linear(y, w, "query", "query_bias")
    key, value = tf.split(_linear(y, w, "key_value", "key_value_bias"), 2, 2)
    return query, key, value


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, heads: int) -> Tensor:
    """[B, Q, d], [B, K, d] twice, and a bias that fits [B, H, Q, K] -> [B, Q, d]."""
    batch, rows, width = query.shape
    each = width // heads

    def by_head(a: Tensor) -> Tensor:
        return tf.transpose(tf.reshape(a, [batch, a.shape[1], heads, each]), [0, 2, 1, 3])

    scores = tf.matmul(by_head(query) * each**-0.5, by_head(key), transpose_b=True) + bias
    y = tf.matmul(tf.nn.softmax(scores), by_head(value))
    return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [batch, rows, width])


def _finished(h: Tensor, attended: Tensor, w: W, activation: str) -> Tensor:
    h = h + _linear(attended, w, "attention_out", "attention_out_bias")
    y = layer_norm(h, w["inner_gain"], w["inner_shift"])
    y = ACTIVATIONS[activation](_linear(y, w, "inner_in", "inner_in_bias"))
    h = h + _linear(y, w, "inner_out", "inner_out_bias")
    return layer_norm(h, w["end_gain"], w["end_shift"])


def _linear(h: Tensor, w: W, kernel: str, bias: str) -> Tensor:
    """[B, rows, d] times [1, d, out], as one product of all rows."""
    batch, rows, width = h.shape
    y = tf.matmul(tf.reshape(h, [1, batch * rows, width]), w[kernel]) + w[bias]
    return tf.reshape(y, [batch, rows, w[kernel].shape[2]])


def _part(a: Tensor, first: int, count: int) -> Tensor:
    return tf.slice(a, [0, first, 0], [a.shape[0], count, a.shape[2]])


def _yes(condition: Tensor) -> Tensor:
    return tf.cast(condition, tf.float32)
