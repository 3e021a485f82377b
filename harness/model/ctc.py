"""CTC loss and its gradient in builtin operators (Graves et al., 2006, sections 4.1 and 4.2).

The forward variables of a batch and the backward variables (the forward variables of the problem
reversed in time and label) run as 2B rows of one loop in log space; the gradient with respect to
the logits is softmax minus posterior, so nothing is differentiated through the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import tensorflow as tf

from harness.model.blocks import Block, Blocks
from harness.model.configuration import steps_per_block
from harness.model.tensors import Tensor

_LOG_ZERO = -1e9
_IMPOSSIBLE = -1e8
"""A log likelihood below this: the label does not fit into the frames."""


@dataclass(frozen=True)
class CtcLoss:
    """CTC as the loss of a network; see ``ctc_loss_and_gradient``."""

    unroll: int
    """Most time steps in one block."""
    in_tensorflow: bool
    """Whether it is for tensorflow, not for a flatbuffer's interpreter."""

    def __call__(
        self, logits: Tensor, labels: Tensor, frames: Tensor, label_lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the loss [B] and its gradient [T, B, V]."""
        return ctc_loss_and_gradient(
            logits,
            labels,
            frames,
            label_lengths,
            unroll=self.unroll,
            in_tensorflow=self.in_tensorflow,
        )

    def of_several(
        self,
        logits: Sequence[Tensor],
        labels: Tensor,
        frames: Sequence[Tensor],
        label_lengths: Tensor,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return losses and gradients of several logits for the same labels, by one time loop.

        Args:
            logits: [T, B, V] each.
            labels: [B, L].
            frames: [B] each.
            label_lengths: [B].
        """
        count = len(logits)
        if count == 1:
            loss, gradient = self(logits[0], labels, frames[0], label_lengths)
            return [loss], [gradient]
        loss, gradient = self(
            tf.concat(logits, 1),
            tf.concat([labels] * count, 0),
            tf.concat(frames, 0),
            tf.concat([label_lengths] * count, 0),
        )
        return tf.split(loss, count), tf.split(gradient, count, 1)


def ctc_loss_and_gradient(
    logits: Tensor,
    labels: Tensor,
    frames: Tensor,
    label_lengths: Tensor,
    *,
    unroll: int,
    in_tensorflow: bool,
) -> tuple[Tensor, Tensor]:
    """Return the CTC loss of each utterance and its gradient.

    Args:
        logits: [T, B, V] float, output 0 is the blank.
        labels: [B, L] int32 in 1 .. V-1, anything after ``label_lengths``.
        frames: [B] int32, 1 .. T valid frames.
        label_lengths: [B] int32, 0 .. L.
        unroll: Most time steps in one block.
        in_tensorflow: Whether it is for tensorflow, not for a flatbuffer's interpreter.

    Returns:
        Loss [B] in nats, and its gradient [T, B, V]: zero past an utterance's frames, and zero
        everywhere for an utterance whose label does not fit (its loss is then about 1e9).
    """
    steps, batch, _ = logits.shape
    states = 2 * labels.shape[1] + 1
    log_p = tf.nn.log_softmax(logits)
    path = _with_blanks(labels)
    chosen = tf.one_hot(path, logits.shape[2], dtype=tf.float32)  # B, S, V
    emit = tf.transpose(
        tf.matmul(tf.transpose(log_p, [1, 0, 2]), chosen, transpose_b=True), [1, 0, 2]
    )  # T, B, S
    used_states = 2 * label_lengths + 1
    both = _scan(
        tf.concat([emit, _reverse(emit, frames, used_states)], 1),
        _closed_moves(
            tf.concat([path, tf.reverse_sequence(path, used_states, seq_axis=1, batch_axis=0)], 0),
        ),
        _outside(states, tf.concat([used_states, used_states], 0)),
        frames,
        steps_per_block(steps, unroll),
        in_tensorflow,
    )
    alpha, beta_reversed = tf.split(both, 2, axis=1)
    through = alpha + _reverse(beta_reversed, frames, used_states) - emit  # log P(path at s, t)
    peak = tf.reduce_max(through, 2, keepdims=True)
    share = tf.exp(through - peak)
    total = tf.reduce_sum(share, 2, keepdims=True)
    # Every frame sees the same total likelihood; frame 0 exists in each utterance.
    log_likelihood = tf.reshape(
        tf.slice(peak + tf.math.log(total), [0, 0, 0], [1, batch, 1]), [batch]
    )
    posterior = tf.transpose(
        tf.matmul(tf.transpose(share / total, [1, 0, 2]), chosen), [1, 0, 2]
    )  # T, B, V
    possible = tf.cast(log_likelihood > _IMPOSSIBLE, tf.float32)
    inside = tf.cast(tf.range(steps)[:, None] < frames[None, :], tf.float32) * possible
    return -log_likelihood, (tf.exp(log_p) - posterior) * inside[:, :, None]


def _with_blanks(labels: Tensor) -> Tensor:
    """[B, L] -> [B, 2L+1]: a blank before, between and after the labels."""
    batch, length = labels.shape
    pairs = tf.reshape(tf.stack([tf.zeros_like(labels), labels], 2), [batch, 2 * length])
    return tf.concat([pairs, tf.zeros([batch, 1], tf.int32)], 1)


def _reverse(scores: Tensor, frames: Tensor, used_states: Tensor) -> Tensor:
    """Reverse [T, B, S] along time and states, each utterance within its own lengths."""
    turned = tf.reverse_sequence(scores, frames, seq_axis=0, batch_axis=1)
    turned = tf.reverse_sequence(
        tf.transpose(turned, [1, 2, 0]), used_states, seq_axis=1, batch_axis=0
    )
    return tf.transpose(turned, [2, 0, 1])


def _closed_moves(path: Tensor) -> Tensor:
    """[N, S] -> log mask of the move that skips a blank: closed onto blanks and repeats."""
    rows, states = path.shape
    two_before = tf.concat([tf.fill([rows, 2], -1), path[:, : states - 2]], 1)
    open_ = tf.cast(tf.not_equal(path, 0), tf.float32) * tf.cast(
        tf.not_equal(path, two_before), tf.float32
    )
    return (1.0 - open_) * _LOG_ZERO


def _outside(states: int, used_states: Tensor) -> Tensor:
    """[N] -> [N, S] log mask: closed past the states of a row's label."""
    inside = tf.cast(tf.range(states)[None, :] < used_states[:, None], tf.float32)
    return (1.0 - inside) * _LOG_ZERO


def _scan(
    emit: Tensor, skip: Tensor, outside: Tensor, frames: Tensor, unroll: int, in_tensorflow: bool
) -> Tensor:
    """Run the forward recursion over [T, N, S] emissions; frames past the longest stay 0."""
    steps, rows, states = emit.shape
    # A virtual state 0 before the first frame: staying gives state 0, moving on gives state 1.
    start = tf.concat([tf.zeros([rows, 1]), tf.fill([rows, states - 1], _LOG_ZERO)], 1)
    blocks = Blocks(
        _block(unroll, rows, states),
        [tf.split(emit + outside[None], steps // unroll)],
        [skip],
        frames,
        unroll,
        in_tensorflow=in_tensorflow,
    )
    (scores,) = blocks.run([start])
    return tf.concat(scores, 0)


@lru_cache(maxsize=64)
def _block(steps: int, rows: int, states: int) -> Block:
    """Return the score after the last frame [N, S], and after each [steps, N, S]."""

    def run(emit: Tensor, score: Tensor, skip: Tensor) -> list[Tensor]:
        impossible, impossible_pair = tf.fill([rows, 1], _LOG_ZERO), tf.fill([rows, 2], _LOG_ZERO)
        out = []
        for emission in tf.unstack(emit):
            stay = score
            move = tf.concat([impossible, score[:, : states - 1]], 1)
            jump = tf.concat([impossible_pair, score[:, : states - 2]], 1) + skip
            top = tf.maximum(tf.maximum(stay, move), jump)
            summed = tf.exp(stay - top) + tf.exp(move - top) + tf.exp(jump - top)
            # The bound keeps closed states finite: they would sink by 1e9 a frame.
            score = tf.maximum(top + tf.math.log(summed) + emission, 2 * _LOG_ZERO)
            out.append(score)
        return [score, tf.stack(out)]

    return Block.of(run, [[steps, rows, states], [rows, states], [rows, states]])
