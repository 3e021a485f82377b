"""Greedy decoding inside the graph, told as logits that CTC's best path reads the same text of.

So a transducer's file answers as all others do, and whoever trains or scores it need not know. Each
frame writes up to some labels: for each there is an output frame with its logits, and one that
only the blank can win, so that equal labels stay two.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from harness.model.blocks import Block, Blocks
from harness.model.tensors import Tensor
from harness.model.transducer.configuration import SLOTS
from harness.model.transducer.joint import logits
from harness.model.transducer.layers import Joint, Predictor
from harness.model.transducer.predictor import State, next_label

_SURE = 40.0
"""Logit of a blank that nothing else may win."""

W = Mapping[str, Tensor]


def path_logits(
    heard: Tensor, lengths: Tensor, predictor: Predictor, joint: Joint, blank: int
) -> Tensor:
    """Return logits [T * labels_a_frame * SLOTS, B, V] of what is written at each frame.

    Args:
        heard: [B, T, D], what leaves the encoder.
        lengths: [B] frames of each utterance.
        predictor: Of the network.
        joint: Of the network.
        blank: Output that is the blank.
    """
    config = predictor.config
    batch, times, width = heard.shape
    unroll = max(1, min(config.unroll // config.labels_a_frame, times))
    weights = {"predictor": predictor.stored(heard), "joint": joint.stored(heard)}
    flat = tf.nest.flatten(weights)

    def frames(heard: Tensor, vector: Tensor, h: Tensor, c: Tensor, *read: Tensor) -> list[Tensor]:
        given = tf.nest.pack_sequence_as(weights, read)
        parts = predictor.parts(given["predictor"]), joint.parts(given["joint"])
        out = []
        for frame in tf.split(heard, unroll):
            vector, h, c, written = _frame(
                frame, (vector, h, c), parts, config.labels_a_frame, blank
            )
            out += written
        return [vector, h, c, tf.concat(out, 0)]

    state = [config.lstm_layers, batch, config.cells]
    shapes = [[unroll, batch, width], [1, batch, width], state, state]
    more = -times % unroll
    padded = tf.pad(tf.transpose(heard, [1, 0, 2]), [[0, more], [0, 0], [0, 0]])
    loop = Blocks(
        Block.of(frames, [*shapes, *(value.shape for value in flat)]),
        [tf.split(padded, (times + more) // unroll)],
        flat,
        lengths,
        unroll,
        in_tensorflow=not predictor.form.flatbuffer,
    )
    nothing = State(tf.zeros(state), tf.zeros(state))
    start = tf.one_hot(tf.fill([1, batch], blank), config.outputs)
    vector, first = next_label(start, nothing, predictor.parts(weights["predictor"]))
    (out,) = loop.run([vector, first.h, first.c])
    rows = times * config.labels_a_frame * SLOTS
    return tf.slice(tf.concat(out, 0), [0, 0, 0], [rows, batch, config.outputs])


def _frame(
    heard: Tensor,
    state: tuple[Tensor, Tensor, Tensor],
    parts: tuple[W, W],
    labels: int,
    blank: int,
) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Write up to some labels of a frame [1, B, D]; return the state, and logits [1, B, V] each."""
    vector, h, c = state
    predictor, joint = parts
    _, batch, _ = heard.shape
    outputs = joint["bias"].shape[0]
    only_blank = tf.one_hot(tf.fill([1, batch], blank), outputs) * _SURE
    going = tf.ones([1, batch, 1])
    written = []
    for _ in range(labels):
        z = logits(heard, vector, joint)
        best = tf.one_hot(tf.argmax(z, 2, output_type=tf.int32), outputs)
        written += [z * going + only_blank * (1.0 - going), only_blank]
        going *= 1.0 - tf.slice(best, [0, 0, blank], [1, batch, 1])
        moved, after = next_label(best, State(h, c), predictor)
        vector = _chosen(going, moved, vector)
        h, c = (_chosen(going, new, old) for new, old in ((after.h, h), (after.c, c)))
    return vector, h, c, written


def _chosen(condition: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return ``yes`` where the condition [1, B, 1] is 1, else ``no``."""
    return yes * condition + no * (1.0 - condition)
