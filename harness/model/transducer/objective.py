"""What a transducer is trained by: its own loss, or the word errors to be expected of its lists.

Each utterance has one text or several: its reference, or the hypotheses of an N-best list with the
reference after them. The lattice of every text shares what was heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from harness.model.minwer import Hypotheses, expected_errors
from harness.model.tensors import Tensor


class Texts(NamedTuple):
    """Texts of a batch, those of an utterance one after the other."""

    labels: Tensor
    """[B*K, U] int32."""
    lengths: Tensor
    """[B*K] int32."""
    each: int
    """K: texts of an utterance."""


class Weighed(NamedTuple):
    """What the losses of texts come to."""

    loss: Tensor
    """[B]"""
    shares: Tensor
    """[B*K]: the derivative of an utterance's loss by the loss of each of its texts."""


class TransducerLoss(Protocol):
    """A loss made of the transducer losses of texts."""

    def texts(self, labels: Any, label_lengths: Tensor) -> Texts:
        """Return the texts whose losses are wanted."""

    def weighed(self, loss: Tensor, labels: Any) -> Weighed:
        """Return what the losses [B*K] of the texts come to."""


class OwnLoss:
    """How unlikely the reference is."""

    def texts(self, labels: Tensor, label_lengths: Tensor) -> Texts:
        """Return the references."""
        return Texts(labels, label_lengths, 1)

    def weighed(self, loss: Tensor, labels: Tensor) -> Weighed:
        """Return the losses themselves."""
        del labels
        return Weighed(loss, tf.ones_like(loss))


@dataclass(frozen=True)
class MinWerTransducerLoss:
    """The errors to be expected of N-best lists, plus the transducer's loss times a factor.

    As in arXiv 2007.13802 a hypothesis counts by all its alignments. Labels are ``Hypotheses``.
    """

    interpolation: float
    """What the loss of the reference counts for; 0: nothing."""

    def texts(self, labels: Hypotheses, label_lengths: Tensor) -> Texts:
        """Return the hypotheses of each utterance, then its reference."""
        batch, count, width = labels.labels.shape
        rows = batch * (count + 1)
        every = tf.concat([labels.labels, labels.reference[:, None]], 1)
        lengths = tf.concat([labels.lengths, label_lengths[:, None]], 1)
        return Texts(tf.reshape(every, [rows, width]), tf.reshape(lengths, [rows]), count + 1)

    def weighed(self, loss: Tensor, labels: Hypotheses) -> Weighed:
        """Return errors to be expected; a log probability is minus a loss."""
        batch, count, _ = labels.labels.shape
        loss = tf.reshape(loss, [batch, count + 1])
        expected, by_score = expected_errors(-loss[:, :count], labels.errors, labels.real)
        shares = tf.concat([-by_score, tf.fill([batch, 1], self.interpolation)], 1)
        return Weighed(
            expected + self.interpolation * loss[:, count],
            tf.reshape(shares, [batch * (count + 1)]),
        )
