"""Minimum word error rate training: the errors to be expected of an N-best list, as a loss.

Prabhavalkar et al., 2018 (arXiv 1712.01818). The probability of a hypothesis is that of all its
alignments, normalised over the list (Guo et al., 2020, arXiv 2007.13802); so a list may be
made by any search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from harness.model.ctc import CtcLoss
from harness.model.tensors import Tensor

_ABSENT = -1e9
"""Log probability of a hypothesis that a shorter list lacks."""


class Hypotheses(NamedTuple):
    """N-best lists of a batch, and their references."""

    labels: Tensor
    """[B, N, L] int32: outputs of each hypothesis, the best first."""
    lengths: Tensor
    """[B, N] int32."""
    errors: Tensor
    """[B, N] float: word errors of each against the reference."""
    real: Tensor
    """[B, N] float: 1.0 for a hypothesis, 0.0 where a list is shorter."""
    reference: Tensor
    """[B, L] int32."""


def expected_errors(log_scores: Tensor, errors: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Return the errors to be expected of each list, and their gradient by its log scores.

    Args:
        log_scores: [B, N] log probabilities; only their differences count.
        errors: [B, N] errors of each hypothesis.
        real: [B, N] 1.0 for a hypothesis, 0.0 for none.

    Returns:
        [B] and [B, N]. Of a list of none both are 0. Taking a list's mean from its errors changes
        the first, not the second.
    """
    scores = tf.where(real > 0, log_scores, tf.fill(tf.shape(log_scores), _ABSENT))
    p = tf.nn.softmax(scores) * real
    expected = tf.reduce_sum(p * errors, 1, keepdims=True)
    return tf.squeeze(expected, 1), p * (errors - expected)


@dataclass(frozen=True)
class MinWerCtcLoss:
    """The errors to be expected of a CTC network, plus its CTC loss times a factor.

    Takes the place of `harness.model.ctc.CtcLoss` in a network; its labels are ``Hypotheses``.
    """

    ctc: CtcLoss
    interpolation: float
    """What the CTC loss of the reference counts for; 0: nothing."""

    def of_several(
        self,
        logits: Sequence[Tensor],
        labels: Hypotheses,
        frames: Sequence[Tensor],
        label_lengths: Tensor,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return losses [B] and gradients [T, B, V] of several logits for the same hypotheses.

        Args:
            logits: [T, B, V] each.
            labels: N-best lists.
            frames: [B] each.
            label_lengths: [B], of the references.
        """
        pairs = [
            self._one(one, labels, lengths, label_lengths)
            for one, lengths in zip(logits, frames, strict=True)
        ]
        return [loss for loss, _ in pairs], [gradient for _, gradient in pairs]

    def _one(
        self, logits: Tensor, lists: Hypotheses, frames: Tensor, label_lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        batch, count, width = lists.labels.shape
        steps, _, outputs = logits.shape
        rows = count + 1  # the reference after the hypotheses
        labels = tf.concat([lists.labels, lists.reference[:, None]], 1)
        lengths = tf.concat([lists.lengths, label_lengths[:, None]], 1)
        repeated = tf.repeat(logits, rows, 1)
        loss, gradient = self.ctc(
            repeated,
            tf.reshape(labels, [batch * rows, width]),
            tf.repeat(frames, rows),
            tf.reshape(lengths, [batch * rows]),
        )
        loss = tf.reshape(loss, [batch, rows])
        expected, by_score = expected_errors(-loss[:, :count], lists.errors, lists.real)
        # a log score is minus a CTC loss
        share = tf.concat([-by_score, tf.fill([batch, 1], self.interpolation)], 1)
        gradient = tf.reshape(gradient, [steps, batch, rows, outputs])
        return (
            expected + self.interpolation * loss[:, count],
            tf.reduce_sum(gradient * share[None, :, :, None], 2),
        )
