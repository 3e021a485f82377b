"""An attention decoder as formulas of its parts (Vaswani et al., 2017), norms before modules.

Whole texts at once, to train it; or a label at a time, with what earlier labels left behind, to
write. Both go through the same layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import tensorflow as tf

from harness.model.conformer.blocks import Frames
from harness.model.conformer.operators import layer_norm, relu
from harness.model.tensors import Tensor

if TYPE_CHECKING:
    from harness.model.conformer.configuration import Conformer

_FAR_BELOW = -1e9
"""Added to what attention thinks of labels that are not written yet."""

W = Mapping[str, Tensor]
"""Matrices and vectors by name."""

Pair = tuple[Tensor, Tensor]
"""Keys and values [B, heads, N, d/heads] to attend to."""

_Remembers = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From a layer, and the keys and values of new labels, to all of them, and what is added to scores.
"""


def embedded(labels: Tensor, embedding: Tensor) -> Tensor:
    """Return vectors [1, rows, d] of one-hot labels [1, rows, V]."""
    return tf.matmul(labels, embedding) * math.sqrt(embedding.shape[2])


def memory_of(state: Tensor, batch: int, w: W, config: Conformer) -> list[Pair]:
    """Return what each layer of the decoder sees of an exit's state [1, B*T, d]."""
    return [
        _keys_and_values(_linear(state, w, f"l{n}_cross_memory"), batch, config.heads)
        for n in range(1, config.decoder_layers + 1)
    ]


def decoded(written: Tensor, state: Tensor, heard: Frames, w: W, config: Conformer) -> Tensor:
    """Return logits [B, U, V] of what comes after each label.

    Args:
        written: Vectors of labels [1, B*U, d], the begin first.
        state: Of the exit, [1, B*T, d].
        heard: Which rows of it are frames.
        w: Of the decoder.
        config: Sizes.
    """
    count = written.shape[1] // heard.batch
    later = 1.0 - tf.linalg.band_part(tf.ones([count, count]), -1, 0)

    def remembers(_: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return key, value, later * _FAR_BELOW

    memory = memory_of(state, heard.batch, w, config)
    logits = _through(written, memory, heard, remembers, w, config)
    return tf.reshape(logits, [heard.batch, count, config.outputs])


def step(
    written: Tensor, position: Tensor, cache: Tensor, memory: list[Pair], heard: Frames, w: W,
    config: Conformer,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return logits [B, V] of what comes after one more label, and the cache with it.

    Args:
        written: Vector of the label [1, B, d].
        position: Where in the text it stands, from 0: a scalar, int32.
        cache: Keys and values of earlier labels [layers, 2, B, heads, U, d/heads].
        memory: From `memory_of`.
        heard: Which rows of the exit's state are frames.
        w: Of the decoder.
        config: Sizes.
    """
    places = tf.range(cache.shape[4])
    here = tf.reshape(tf.cast(tf.equal(places, position), tf.float32), [1, 1, -1, 1])
    later = tf.reshape(tf.cast(places > position, tf.float32), [1, 1, 1, -1])
    before = [tf.unstack(layer) for layer in tf.unstack(cache)]
    now: list[Tensor] = []

    def remembers(n: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keys, values = (
            old * (1.0 - here) + new * here
            for old, new in zip(before[n - 1], (key, value), strict=True)
        )
        now.append(tf.stack([keys, values]))
        return keys, values, later * _FAR_BELOW

    logits = _through(written, memory, heard, remembers, w, config)
    return tf.reshape(logits, [heard.batch, config.outputs]), tf.stack(now)


def _through(
    h: Tensor, memory: list[Pair], heard: Frames, remembers: _Remembers, w: W, config: Conformer
) -> Tensor:
    """Pass labels [1, B*U, d] through all layers; return logits [1, B*U, V]."""
    batch, heads = heard.batch, config.heads
    for n, pair in enumerate(memory, 1):
        name = f"l{n}"
        y = _linear(_norm(h, w, f"{name}_self"), w, f"{name}_self_in")
        query, key, value = _heads(y, batch, 3, heads)
        y = _attended(query, *remembers(n, key, value))
        h = h + _linear(y, w, f"{name}_self_out")
        y = _linear(_norm(h, w, f"{name}_cross"), w, f"{name}_cross_query")
        (query,) = _heads(y, batch, 1, heads)
        h = h + _linear(_attended(query, *pair, heard.bias), w, f"{name}_cross_out")
        y = relu(_linear(_norm(h, w, f"{name}_inner"), w, f"{name}_inner_in"))
        h = h + _linear(y, w, f"{name}_inner_out")
    return _linear(_norm(h, w, "end"), w, "output")


def _norm(h: Tensor, w: W, name: str) -> Tensor:
    return layer_norm(h, w[f"{name}_gain"], w[f"{name}_shift"])


def _linear(h: Tensor, w: W, name: str) -> Tensor:
    return tf.matmul(h, w[name]) + w[f"{name}_bias"]


def _heads(y: Tensor, batch: int, kinds: int, heads: int) -> list[Tensor]:
    """[1, B*N, kinds*d] -> for each kind [B, heads, N, d/heads]."""
    each = y.shape[2] // (kinds * heads)
    y = tf.reshape(y, [batch, y.shape[1] // batch, kinds, heads, each])
    found: list[Tensor] = tf.unstack(tf.transpose(y, [2, 0, 3, 1, 4]))
    return found


def _keys_and_values(y: Tensor, batch: int, heads: int) -> Pair:
    key, value = _heads(y, batch, 2, heads)
    return key, value


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Return what queries [B, heads, N, d/heads] get, [1, B*N, d]."""
    batch, heads, count, each = query.shape
    scores = tf.matmul(query * each**-0.5, key, transpose_b=True) + bias
    y = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
    return tf.reshape(y, [1, batch * count, heads * each])
