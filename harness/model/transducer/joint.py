"""The joint network: from what was heard and what was written to logits."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from harness.model.conformer.operators import relu
from harness.model.tensors import Tensor

W = Mapping[str, Tensor]


def lattice_logits(heard: Tensor, written: Tensor, w: W) -> Tensor:
    """Return logits of all nodes: [B, T, D] and [B, U+1, D] -> [B, T, U+1, V]."""
    batch, times, width = heard.shape
    nodes = written.shape[1]
    # not by indices: the gradient of a strided slice does not convert
    both = relu(
        tf.reshape(heard, [batch, times, 1, width]) + tf.reshape(written, [batch, 1, nodes, width])
    )
    logits = _answer(tf.reshape(both, [1, batch * times * nodes, width]), w)
    return tf.reshape(logits, [batch, times, nodes, logits.shape[2]])


def logits(heard: Tensor, written: Tensor, w: W) -> Tensor:
    """Return logits of one node a row: [1, B, D] twice -> [1, B, V]."""
    return _answer(relu(heard + written), w)


def _answer(rows: Tensor, w: W) -> Tensor:
    return tf.matmul(rows, w["kernel"]) + w["bias"]
