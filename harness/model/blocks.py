"""Time loops in blocks of steps: traced once, run as long as an utterance lasts.

In a flatbuffer each block is an IF operator. A WHILE operator would carry the arrays that its
iterations write, and copy all of them at each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from harness.model.operators import runtime_zero
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class Block:
    """Some time steps that run or, past the longest utterance, do not."""

    run: Any
    """Concrete function of the inputs."""
    skip: Any
    """Returns zeros instead."""

    @staticmethod
    def of(run: Callable[..., Sequence[Tensor]], shapes: Sequence[Sequence[int]]) -> Block:
        """Trace ``run``, a function of float tensors only, once for all places that use it.

        Args:
            run: The time steps.
            shapes: Of its inputs.
        """
        zero = tf.TensorSpec([], tf.float32)
        specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
        with tf.init_scope():
            traced = _traced(lambda _, *inputs: list(run(*inputs)), zero, *specs)
            outputs = [out.shape for out in traced.structured_outputs]
            nothing = _traced(lambda zero, *_: [tf.fill(s, zero) for s in outputs], zero, *specs)
        return Block(traced, nothing)

    def __call__(self, condition: Tensor, zero: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the outputs if ``condition`` holds, else zeros of the same shapes."""
        outputs = self.run.structured_outputs
        return tf.raw_ops.StatelessIf(  # type: ignore[no-any-return]
            cond=condition,
            input=[zero, *inputs],
            Tout=[out.dtype for out in outputs],
            output_shapes=[out.shape for out in outputs],
            then_branch=self.run,
            else_branch=self.skip,
        )


@dataclass(frozen=True)
class Blocks:
    """A time loop in blocks: what each takes, beside the state that goes from one to the next."""

    block: Block
    """Takes a zero, a part of each source, the state, and what is fixed; returns the state, then
    what the loop is for."""
    sources: Sequence[Sequence[Tensor]]
    """By source, by block."""
    fixed: Sequence[Tensor]
    lengths: Tensor
    """Time steps of each utterance; blocks past the longest yield zeros."""
    steps: int
    """Time steps in a block."""
    backward: bool = False
    """The last one first."""
    in_tensorflow: bool = False
    """Run by tensorflow, which is slow at many small functions: one loop, no IF operators."""

    def run(self, state: Sequence[Tensor]) -> list[list[Tensor]]:
        """Return the outputs, by output, by block."""
        return self._loop(state) if self.in_tensorflow else self._branches(state)

    def _branches(self, state: Sequence[Tensor]) -> list[list[Tensor]]:
        needed, zero = self._needed(), runtime_zero(self.lengths)
        order = list(range(len(self.sources[0])))
        outputs: dict[int, list[Tensor]] = {}
        for n in reversed(order) if self.backward else order:
            inputs = [source[n] for source in self.sources]
            out = self.block(n < needed, zero, [*inputs, *state, *self.fixed])
            state, outputs[n] = out[: len(state)], out[len(state) :]
        return [list(output) for output in zip(*(outputs[n] for n in order), strict=True)]

    def _loop(self, state: Sequence[Tensor]) -> list[list[Tensor]]:
        needed, zero = self._needed(), runtime_zero(self.lengths)
        count, state_count = len(self.sources[0]), len(state)
        sources = [tf.stack(source) for source in self.sources]
        shapes = [out.shape for out in self.block.run.structured_outputs[state_count:]]
        arrays = [tf.TensorArray(tf.float32, count, element_shape=s) for s in shapes]

        def body(n: Tensor, *carried: Tensor) -> tuple[Tensor, ...]:
            at = needed - 1 - n if self.backward else n
            inputs = [tf.gather(source, at) for source in sources]
            out = self.block.run(zero, *inputs, *carried[:state_count], *self.fixed)
            written = [
                a.write(at, v)
                for a, v in zip(carried[state_count:], out[state_count:], strict=True)
            ]
            return n + 1, *out[:state_count], *written

        _, *carried = tf.while_loop(
            lambda n, *_: n < needed, body, [tf.constant(0), *state, *arrays]
        )
        return [list(tf.unstack(array.stack())) for array in carried[state_count:]]

    def _needed(self) -> Tensor:
        return (tf.reduce_max(self.lengths) + self.steps - 1) // self.steps


def _traced(function: Callable[..., list[Tensor]], *specs: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(*specs)
