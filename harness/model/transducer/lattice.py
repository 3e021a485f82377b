"""The sum over all alignments of a transducer, and how likely each transition is, in builtins.

A node (t, u) of the lattice: frame t is heard, u labels are written. From it a blank leads to
(t+1, u), the next label to (t, u+1); the blank of the last node ends. Nodes with the same t + u
depend on none of each other, so the recursions run over these diagonals. Forward and backward
variables (the forward ones of the lattice reversed in both directions) run as 2B rows of one loop
in log space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import tensorflow as tf

from harness.model.blocks import Block, Blocks
from harness.model.tensors import Tensor

LOG_ZERO = -1e9
_IMPOSSIBLE = -1e8
"""A log likelihood below this: no alignment is left."""


@dataclass(frozen=True)
class Lattice:
    """Which nodes utterances have, and how their recursions run."""

    frames: Tensor
    """[B] int32, 1 .. T."""
    label_lengths: Tensor
    """[B] int32, 0 .. U."""
    unroll: int
    """Diagonals in one block."""
    in_tensorflow: bool
    """Whether it is for tensorflow, not for a flatbuffer's interpreter."""


@dataclass(frozen=True)
class Transitions:
    """What the lattice comes to."""

    loss: Tensor
    """[B] in nats; about 1e9 if there is no alignment."""
    blank: Tensor
    """[B, T, U+1]: how likely the blank of each node is, given the labels; 0 outside."""
    label: Tensor
    """[B, T, U+1]: how likely the next label of each node is, given the labels; 0 outside."""


def transitions(blank: Tensor, label: Tensor, lattice: Lattice) -> Transitions:
    """Return the loss, and the posterior of each transition.

    Args:
        blank: [B, T, U+1] log probability of the blank at each node.
        label: [B, T, U+1] log probability of the next label; anything at the last one.
        lattice: Of the utterances.
    """
    batch, times, nodes = blank.shape
    frames, rows = lattice.frames, lattice.label_lengths + 1
    inside = _inside(frames, times)[:, :, None] * _inside(rows, nodes)[:, None, :]
    outside = (1.0 - inside) * LOG_ZERO
    last = (1.0 - _inside(lattice.label_lengths, nodes)) * LOG_ZERO
    label = label + last[:, None, :]  # after the last label there is none
    start = tf.concat([tf.zeros([batch, 1, 1]), tf.fill([batch, 1, nodes - 1], LOG_ZERO)], 2)
    closed = tf.fill([batch, times, 1], LOG_ZERO)
    # A node before the first frame holds probability 1: a blank leads from it to (0, 0).
    before = tf.zeros([batch, 1, nodes])
    by_blank = tf.concat([before, blank[:, : times - 1]], 1) + outside
    by_label = tf.concat([closed, label[:, :, : nodes - 1]], 2) + outside
    alpha, beta = tf.split(
        _scan(
            tf.concat([by_blank, _reversed(blank + outside, lattice)], 0),
            tf.concat([by_label, _reversed(label + outside, lattice)], 0),
            lattice,
        ),
        2,
    )
    log_likelihood = tf.reshape(_whole(beta, lattice), [batch])
    after_blank = _reversed(tf.concat([start, beta[:, : times - 1]], 1), lattice)
    after_label = _reversed(tf.concat([closed, beta[:, :, : nodes - 1]], 2), lattice)
    possible = tf.reshape(tf.cast(log_likelihood > _IMPOSSIBLE, tf.float32), [batch, 1, 1])
    total = tf.reshape(log_likelihood, [batch, 1, 1])

    def posterior(score: Tensor, after: Tensor) -> Tensor:
        return tf.exp(tf.minimum(alpha + score + after - total, 0.0)) * inside * possible

    return Transitions(
        -log_likelihood, posterior(blank, after_blank), posterior(label, after_label)
    )


def _whole(beta: Tensor, lattice: Lattice) -> Tensor:
    """Return what a lattice comes to [B, 1, 1]: the backward variable of node (0, 0)."""
    return tf.slice(_reversed(beta, lattice), [0, 0, 0], [beta.shape[0], 1, 1])


def _inside(lengths: Tensor, size: int) -> Tensor:
    """[B] -> [B, size]: 1.0 within each length."""
    return tf.cast(tf.range(size)[None, :] < lengths[:, None], tf.float32)


def _reversed(scores: Tensor, lattice: Lattice) -> Tensor:
    """Reverse [B, T, U+1] in time and label, each utterance within its own lengths."""
    turned = tf.reverse_sequence(scores, lattice.frames, seq_axis=1, batch_axis=0)
    return tf.reverse_sequence(turned, lattice.label_lengths + 1, seq_axis=2, batch_axis=0)


def _scan(by_blank: Tensor, by_label: Tensor, lattice: Lattice) -> Tensor:
    """Return the score of each node [N, T, U+1]: the log of what all ways to it come to.

    Args:
        by_blank: [N, T, U+1] log probability of the way into each node from a frame before.
        by_label: [N, T, U+1] of the way into it from a label before.
        lattice: Of the utterances.
    """
    rows, times, nodes = by_blank.shape
    unroll = min(lattice.unroll, times + nodes - 1)
    blocks = Blocks(
        _block(unroll, rows, nodes),
        [_diagonals(by_blank, unroll), _diagonals(by_label, unroll)],
        [],
        lattice.frames + lattice.label_lengths,
        unroll,
        in_tensorflow=lattice.in_tensorflow,
    )
    start = tf.concat([tf.zeros([rows, 1]), tf.fill([rows, nodes - 1], LOG_ZERO)], 1)
    (scores,) = blocks.run([start])
    return _from_diagonals(tf.concat(scores, 0), times)


def _diagonals(scores: Tensor, unroll: int) -> list[Tensor]:
    """[N, T, U+1] -> [unroll, N, U+1] each: diagonal d has the node (d - u, u) at u.

    Rows of labels are padded by as many frames as there are rows, and cut anew one shorter: so each
    begins one frame later than the one before.
    """
    rows, times, nodes = scores.shape
    count = times + nodes - 1
    turned = tf.transpose(scores, [0, 2, 1])
    padded = tf.pad(turned, [[0, 0], [0, 0], [0, nodes]], constant_values=LOG_ZERO)
    flat = tf.reshape(padded, [rows, nodes * (times + nodes)])
    cut = tf.slice(flat, [0, 0], [rows, nodes * count])
    skewed = tf.transpose(tf.reshape(cut, [rows, nodes, count]), [2, 0, 1])
    more = -count % unroll
    skewed = tf.pad(skewed, [[0, more], [0, 0], [0, 0]], constant_values=LOG_ZERO)
    parts: list[Tensor] = tf.split(skewed, (count + more) // unroll)
    return parts


def _from_diagonals(skewed: Tensor, times: int) -> Tensor:
    """[D, N, U+1] -> [N, T, U+1]."""
    _, rows, nodes = skewed.shape
    count = times + nodes - 1
    turned = tf.transpose(tf.slice(skewed, [0, 0, 0], [count, rows, nodes]), [1, 2, 0])
    flat = tf.pad(tf.reshape(turned, [rows, nodes * count]), [[0, 0], [0, nodes]])
    whole = tf.reshape(flat, [rows, nodes, times + nodes])
    return tf.transpose(tf.slice(whole, [0, 0, 0], [rows, nodes, times]), [0, 2, 1])


@lru_cache(maxsize=64)
def _block(steps: int, rows: int, nodes: int) -> Block:
    """Return the scores of the last diagonal [N, U+1], and of each [steps, N, U+1]."""

    def run(by_blank: Tensor, by_label: Tensor, score: Tensor) -> list[Tensor]:
        closed = tf.fill([rows, 1], LOG_ZERO)
        out = []
        for blank, label in zip(tf.unstack(by_blank), tf.unstack(by_label), strict=True):
            heard = score + blank
            written = tf.concat([closed, score[:, : nodes - 1]], 1) + label
            top = tf.maximum(heard, written)
            summed = tf.exp(heard - top) + tf.exp(written - top)
            # The bound keeps closed nodes finite: they would sink by 1e9 a diagonal.
            score = tf.maximum(top + tf.math.log(summed), 2 * LOG_ZERO)
            out.append(score)
        return [score, tf.stack(out)]

    shape = [steps, rows, nodes]
    return Block.of(run, [shape, shape, [rows, nodes]])
