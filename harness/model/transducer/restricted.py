"""The alignment-restricted loss (Mahadeokar et al., 2020, arXiv 2011.03072).

A label may be written only near the frame at which an alignment has it: from ``left`` frames before
it to ``right`` frames after it. Everything else is left out of the sum, so logits are needed of a
few nodes a frame only: those that such alignments can pass. These are neighbours, as frames of
an alignment never fall.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from harness.model.tensors import Tensor
from harness.model.transducer.lattice import LOG_ZERO, Lattice, Transitions, transitions
from harness.model.transducer.loss import gradient, next_labels, scores


@dataclass(frozen=True)
class Band:
    """The nodes that are kept at each frame."""

    alignment: Tensor
    """[B, U] int32: the frame of each label, never falling; anything past an utterance's labels."""
    left: int
    """Frames that a label may come earlier."""
    right: int
    """Frames that it may come later."""
    times: int
    """T, frames of the longest utterance."""
    width: int
    """Nodes at each frame; at least `harness.model.transducer.targets.band_width` of each."""

    def nodes(self, lattice: Lattice) -> Tensor:
        """Return the labels written at each node that is kept, [B, T, width] int32.

        Args:
            lattice: Of the utterances.
        """
        count = self.alignment.shape[1]
        real = tf.range(count)[None, :] < lattice.label_lengths[:, None]
        passed = tf.range(self.times)[None, :, None] > (self.alignment + self.right)[:, None, :]
        first = tf.reduce_sum(tf.cast(passed & real[:, None, :], tf.int32), 2)
        first = tf.minimum(first, count + 1 - self.width)
        return first[:, :, None] + tf.range(self.width)[None, None, :]

    def closed(self) -> Tensor:
        """Return [B, T, U+1]: what is added to the score of a label that may not be written."""
        time = tf.range(self.times)[None, :, None]
        at = self.alignment[:, None, :]
        allowed = (time >= at - self.left) & (time <= at + self.right)
        closed = (1.0 - tf.cast(allowed, tf.float32)) * LOG_ZERO
        return tf.pad(closed, [[0, 0], [0, 0], [0, 1]])


def restricted_loss_and_gradient(
    logits: Tensor, labels: Tensor, lattice: Lattice, band: Band, blank: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the loss of each utterance, over alignments inside a band, and its gradient.

    Args:
        logits: [B, T, width, V] float, of the nodes that ``band.nodes`` says.
        labels: [B, U] int32, outputs that are not the blank; anything past an utterance's labels.
        lattice: Lengths of the utterances.
        band: Which nodes are kept.
        blank: Output that is the blank.

    Returns:
        Loss [B] in nats (about 1e9 if no alignment is left), and its gradient [B, T, width, V].
    """
    rows = labels.shape[1] + 1
    nodes = band.nodes(lattice)
    nexts = tf.gather(next_labels(labels, blank), nodes, batch_dims=1)
    normaliser, of_blank, of_label = scores(logits, nexts, blank)
    place = tf.range(rows)[None, None, :] - nodes[:, :, :1]
    kept = (place >= 0) & (place < band.width)
    outside = (1.0 - tf.cast(kept, tf.float32)) * LOG_ZERO
    place = tf.clip_by_value(place, 0, band.width - 1)

    def spread(score: Tensor) -> Tensor:
        return tf.gather(score, place, batch_dims=2) + outside

    whole = transitions(spread(of_blank), spread(of_label) + band.closed(), lattice)
    of = Transitions(
        whole.loss,
        tf.gather(whole.blank, nodes, batch_dims=2),
        tf.gather(whole.label, nodes, batch_dims=2),
    )
    return of.loss, gradient(logits, normaliser, nexts, of, blank)
