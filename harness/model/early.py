"""Answers before the last exit: a segment at a time, or by the entropy rule within one signature.

The rule is that of Wright et al., arXiv 2309.09546: an utterance leaves at the first exit whose
outputs have at most a given entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

from harness.model.functions import concrete
from harness.model.network import Network, real_rows
from harness.model.operators import inside, runtime_zero
from harness.model.passes import ForwardPass
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class SegmentAnswer:
    """What a segment gave."""

    state: Tensor
    """What the trunk gives on, in a shape of the family's."""
    logits: Tensor
    """[To, B, V]"""
    entropy: Tensor
    """[B], see ``entropy``."""


def run_segment(network: Network, number: int, values: Tensor, in_len: Tensor) -> SegmentAnswer:
    """Run a segment and its head.

    Args:
        network: One with exits.
        number: Of the segment, from 0.
        values: Features [B, T, mels] for the first, else the state below.
        in_len: Frames of features [B].
    """
    segment = network.segments[number]
    passed = ForwardPass(network.entering(segment.depth, values, in_len), {})
    passed.through(segment.trunk)
    passed.answer(segment)
    logits = network.logits(passed, segment.exit)
    lengths = passed.ends[segment.exit].lengths
    return SegmentAnswer(passed.signal.values, logits, entropy(logits, lengths))


def entropy(logits: Tensor, lengths: Tensor) -> Tensor:
    """Return the entropy of outputs in nats [B], a mean over the frames of each utterance.

    Args:
        logits: [To, B, V].
        lengths: Frames [B], at least 1.
    """
    steps, batch, _ = logits.shape
    log_p = tf.nn.log_softmax(logits)
    each = tf.transpose(-tf.reduce_sum(tf.exp(log_p) * log_p, 2))  # B, To
    mask = tf.reshape(inside(lengths, steps), [batch, steps])
    return tf.reduce_sum(each * mask, 1) / tf.cast(lengths, tf.float32)


def infer_early(
    network: Network, x: Tensor, in_len: Tensor, threshold: Tensor
) -> dict[str, Tensor]:
    """Go on to the next segment while a real row's entropy is above a threshold.

    Args:
        network: One with exits.
        x: [B, T, mels].
        in_len: [B].
        threshold: Scalar, nats.

    Returns:
        ``logits``, ``out_len``, ``entropy`` and ``exit`` (from 1) of the exit that was taken.
    """
    real = real_rows(in_len)
    first = run_segment(network, 0, x, in_len)
    state = first.state
    now = [first.logits, first.entropy, tf.ones([], tf.int32)]
    for number in range(1, len(network.segments)):
        unsure = tf.reduce_max(now[1] * real) > threshold
        state, *now = _further(network, number, state, now, in_len, unsure)
    out_len = network.output_lengths(in_len)
    return {"logits": now[0], "out_len": out_len, "entropy": now[1], "exit": now[2]}


def _further(
    network: Network,
    number: int,
    state: Tensor,
    now: list[Tensor],
    in_len: Tensor,
    unsure: Tensor,
) -> list[Tensor]:
    """Run one more segment (an IF operator), or stay; nobody needs a state then."""
    shape = network.trunk_shapes[network.segments[number].end].values
    zero = runtime_zero(in_len)

    def run() -> list[Tensor]:
        answer = run_segment(network, number, state, in_len)
        return [answer.state, answer.logits, answer.entropy, tf.fill([], number + 1)]

    return list(tf.cond(unsure, run, lambda: [tf.fill(shape, zero), *now]))


def _inferring(network: Network, name: str) -> Callable[..., dict[str, Tensor]]:
    def infer(x: Tensor, in_len: Tensor) -> dict[str, Tensor]:
        logits, lengths = network.infer(x, in_len, name)
        return {"logits": logits, "out_len": lengths}

    return infer


def _running(network: Network, number: int) -> Callable[..., dict[str, Tensor]]:
    def segment(
        in_len: Tensor, x: Tensor | None = None, state: Tensor | None = None
    ) -> dict[str, Tensor]:
        answer = run_segment(network, number, state if x is None else x, in_len)
        return {
            "state": answer.state,
            "logits": answer.logits,
            "out_len": network.output_lengths(in_len, network.segments[number].exit),
            "entropy": answer.entropy,
        }

    return segment


def exit_signatures(network: Network, sound: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``infer_<exit>`` (but of the last), ``segment<k>`` and ``infer_early`` by name.

    Args:
        network: One with exits.
        sound: What goes in: ``x`` and ``in_len``.
    """
    functions: dict[str, Tensor] = {}
    for name in network.exit_names[:-1]:
        functions[f"infer_{name.lower()}"] = concrete(_inferring(network, name), **sound)
    given = dict(sound)
    for number in range(len(network.segments)):
        key = f"segment{number + 1}"
        functions[key] = concrete(_running(network, number), **given)
        shape = network.trunk_shapes[network.segments[number].end].values
        given = {"state": tf.TensorSpec(shape, tf.float32, "state"), "in_len": sound["in_len"]}
    functions["infer_early"] = concrete(
        lambda x, in_len, threshold: infer_early(network, x, in_len, threshold),
        **sound,
        threshold=tf.TensorSpec([], tf.float32, "threshold"),
    )
    return functions
