"""One training signature for all spans of segments: which of them train is an input.

Each segment's way forward and back is a branch of an IF operator, with the variables read, and
assigned, in it: the file holds each layer's operators once, not once a sub-model, and LiteRT keeps
a branch's buffers only while it runs. Segments below the span run forward only, those above not at
all. Only what goes into each layer of the trunk goes from one branch to another: a branch on the
way back makes the forward passes of its layers again, and updates a layer at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import tensorflow as tf

from harness.model.layer import Role
from harness.model.network import Network, shares
from harness.model.operators import no_earlier, runtime_zero
from harness.model.optimiser import LayerwiseStep, Optimiser
from harness.model.passes import BackwardPass, ForwardPass
from harness.model.segments import Segment
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class Span:
    """Which segments train, known when a step runs: scalars."""

    first: Tensor
    """int32, from 1."""
    last: Tensor
    heads_only: Tensor
    """bool"""

    def has(self, number: int) -> Tensor:
        """Return whether a segment, counted from 0, trains."""
        return (self.first <= number + 1) & (number + 1 <= self.last)


def switched_step(
    network: Network,
    optimiser: Optimiser,
    batch: Mapping[str, Tensor],
    learning_rate: Tensor,
    span: Span,
) -> Tensor:
    """Train a span of segments on a batch.

    Args:
        network: One with exits, its statistics frozen.
        optimiser: Whose moments move.
        batch: ``x``, ``in_len``, ``labels``, ``lab_len``.
        learning_rate: Scalar.
        span: Which segments.

    Returns:
        The mean loss over the real rows before the step by exit [K], 0 of those that do not train.
    """
    step = _Step(network, batch["in_len"], span)
    ends = step.forward(batch["x"])
    logits = dict(zip(network.exit_names, ends, strict=True))
    lengths = [
        tf.maximum(network.output_lengths(batch["in_len"], name), 1) for name in network.exit_names
    ]
    losses, d_logits = network.joint_loss(logits, lengths, batch["labels"], batch["lab_len"])
    share = shares(batch["in_len"])
    update = optimiser.layerwise(network.weights, learning_rate, network.config.clip_norm)
    step.back([d * share[None, :, None] for d in d_logits.values()], update)
    update.end()
    counts = [tf.cast(span.has(n), tf.float32) for n in range(len(network.segments))]
    return tf.stack(
        [
            tf.reduce_sum(loss * share) * count
            for loss, count in zip(losses.values(), counts, strict=True)
        ]
    )


class _Step:
    """The branches of one step.

    Args:
        network: Whose layers run.
        in_len: [B].
        span: Which segments train.
    """

    def __init__(self, network: Network, in_len: Tensor, span: Span) -> None:
        self._network = network
        self._in_len = in_len
        self._span = span
        self._zero = runtime_zero(in_len)
        self._given: list[list[Tensor]] = []
        """What went into each layer of the trunk, by segment."""
        self._states: list[Tensor] = []
        """What left the trunk of each segment."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """Run the segments up to the last of the span; return logits [To, B, V] of each."""
        state, logits = x, []
        for number, segment in enumerate(self._network.segments):
            state, end, *between = tf.cond(
                self._span.last > number,
                lambda s=segment, h=state: self._run(s, h),
                lambda s=segment: self._skip(s),
            )
            first = x if number == 0 else self._states[-1]
            self._given.append([first, *between])
            self._states.append(state)
            logits.append(end)
        return logits

    def back(self, d_logits: list[Tensor], update: LayerwiseStep) -> None:
        """Train the segments of the span, the last one first."""
        segments = self._network.segments
        gradient = self._nothing(segments[-1].end)
        for number in reversed(range(len(segments))):
            gradient = self._segment_back(number, d_logits[number], gradient, update)

    def _segment_back(
        self, number: int, d_end: Tensor, gradient: Tensor, update: LayerwiseStep
    ) -> Tensor:
        """Train a segment if it is of the span; return the gradient of the state below it."""
        segment, state = self._network.segments[number], self._states[number]

        def train() -> Tensor:
            return tf.cond(
                self._span.heads_only,
                lambda: self._head_back(segment, state, d_end, update),
                lambda: self._whole_back(number, d_end, gradient, update),
            )

        return tf.cond(self._span.has(number), train, lambda: self._nothing(segment.depth))

    def _nothing(self, depth: int) -> Tensor:
        """Return zeros in place of what goes into a layer of the trunk."""
        return tf.fill(self._network.trunk_shapes[depth].values, self._zero)

    def _run(self, segment: Segment, state: Tensor) -> list[Tensor]:
        network = self._network
        passed = ForwardPass(network.entering(segment.depth, state, self._in_len), {})
        between = []
        for layer in segment.trunk:
            between.append(passed.signal.values)
            passed.through([layer])
        passed.answer(segment)
        return [passed.signal.values, network.logits(passed, segment.exit), *between[1:]]

    def _skip(self, segment: Segment) -> list[Tensor]:
        config = self._network.config
        logits = [config.output_frames, config.batch_size, config.outputs]
        between = [self._nothing(depth) for depth in range(segment.depth + 1, segment.end)]
        return [self._nothing(segment.end), tf.fill(logits, self._zero), *between]

    def _head_back(
        self, segment: Segment, state: Tensor, d_end: Tensor, update: LayerwiseStep
    ) -> Tensor:
        """Train a segment's head alone; nothing goes further down."""
        self._through_head(segment, state, d_end, update, passes_on=False)
        return self._nothing(segment.depth)

    def _whole_back(
        self, number: int, d_end: Tensor, gradient: Tensor, update: LayerwiseStep
    ) -> Tensor:
        """Train a segment; return the gradient of the state below it."""
        segment, given = self._network.segments[number], self._given[number]
        state = self._states[number]
        down = self._through_head(segment, state, d_end, update, passes_on=True)
        gradient = gradient + down
        for place, layer in reversed(list(enumerate(segment.trunk))):
            depth = segment.depth + place
            role = Role(bool(layer.spec.trained), passes_on=depth > 0)
            values = no_earlier(given[place], gradient, self._zero)
            passed = ForwardPass(
                self._network.entering(depth, values, self._in_len), {layer.name: role}
            )
            passed.through([layer])
            below = self._back(passed, update).through([layer], gradient)
            gradient = self._nothing(0) if below is None else below
        return gradient

    def _through_head(
        self,
        segment: Segment,
        state: Tensor,
        d_end: Tensor,
        update: LayerwiseStep,
        *,
        passes_on: bool,
    ) -> Tensor:
        """Train a head; return the gradient of the trunk, if it passes one on."""
        roles = {
            layer.name: Role(bool(layer.spec.trained), passes_on=passes_on or place > 0)
            for place, layer in enumerate(segment.head)
        }
        signal = self._network.entering(segment.end, state, self._in_len)
        signal = replace(signal, values=no_earlier(state, d_end, self._zero))
        passed = ForwardPass(signal, roles)
        passed.answer(segment)
        end = passed.ends[segment.exit].values
        return self._back(passed, update).through(segment.head, tf.reshape(d_end, end.shape))

    def _back(self, passed: ForwardPass, update: LayerwiseStep) -> BackwardPass:
        every = frozenset(self._network.weights)
        return BackwardPass(passed, every, update.apply)
