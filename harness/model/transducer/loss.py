"""The transducer's loss and its gradient with respect to the logits of the whole lattice.

The gradient is analytic (Graves, 2012): at each node softmax times how likely the node is, minus
how likely each transition is; nothing is differentiated through the recursions.
"""

from __future__ import annotations

import tensorflow as tf

from harness.model.tensors import Tensor
from harness.model.transducer.lattice import Lattice, Transitions, transitions


def transducer_loss_and_gradient(
    logits: Tensor, labels: Tensor, lattice: Lattice, blank: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the loss of each utterance and its gradient.

    Args:
        logits: [B, T, U+1, V] float: at each frame, after each number of labels.
        labels: [B, U] int32, outputs that are not the blank; anything past an utterance's labels.
        lattice: Lengths of the utterances.
        blank: Output that is the blank.

    Returns:
        Loss [B] in nats, and its gradient [B, T, U+1, V]: zero past an utterance.
    """
    nexts = next_labels(labels, blank)[:, None, :]
    normaliser, blank_score, label_score = scores(logits, nexts, blank)
    of = transitions(blank_score, label_score, lattice)
    return of.loss, gradient(logits, normaliser, nexts, of, blank)


def next_labels(labels: Tensor, blank: int) -> Tensor:
    """[B, U] -> [B, U+1]: the label that each row of nodes is to write; a blank at the last."""
    return tf.concat([labels, tf.fill([labels.shape[0], 1], blank)], 1)


def scores(logits: Tensor, nexts: Tensor, blank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the logits are normalised by, and log probabilities of blank and next label.

    Args:
        logits: [B, T, N, V].
        nexts: [B, T, N] int32 or [B, 1, N]: the label that each node is to write.
        blank: Output that is the blank.

    Returns:
        [B, T, N] each. No array as large as the logits is made but their exponentials.
    """
    batch, times, nodes, outputs = logits.shape
    top = tf.reduce_max(logits, 3, keepdims=True)
    normaliser = tf.squeeze(top, 3) + tf.math.log(tf.reduce_sum(tf.exp(logits - top), 3))
    flat = tf.reshape(logits, [batch * times * nodes * outputs])
    # Places in the flat logits, summed at run time: stored, they would be a large constant.
    within = nexts + (tf.range(nodes) * outputs)[None, None, :]
    rows = tf.reshape(tf.range(batch * times) * (nodes * outputs), [batch, times, 1])
    chosen = tf.gather(flat, tf.reshape(within + rows, [batch * times * nodes]))
    of_label = tf.reshape(chosen, [batch, times, nodes]) - normaliser
    of_blank = tf.squeeze(tf.slice(logits, [0, 0, 0, blank], [batch, times, nodes, 1]), 3)
    return normaliser, of_blank - normaliser, of_label


def gradient(
    logits: Tensor, normaliser: Tensor, nexts: Tensor, of: Transitions, blank: int
) -> Tensor:
    """Return the loss's gradient [B, T, N, V] of the nodes that the logits are of.

    Args:
        logits: [B, T, N, V].
        normaliser: [B, T, N], as from ``scores``.
        nexts: [B, T, N] or [B, 1, N]: the label that each node is to write.
        of: Posteriors of these nodes' transitions.
        blank: Output that is the blank.
    """
    outputs = logits.shape[3]
    p = tf.exp(logits - normaliser[..., None])
    through = (of.blank + of.label)[..., None]
    written = tf.one_hot(nexts, outputs) * of.label[..., None]
    return p * through - written - tf.one_hot(blank, outputs) * of.blank[..., None]
