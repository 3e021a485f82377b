"""LSTM layers with normalised gates and cells (Ba et al., 2016), over a sequence and one step.

The gradient of a sequence is made a block of steps at a time, from the last to the first: a block
is run again from its first state, and differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import tensorflow as tf

from harness.model.blocks import Block, Blocks
from harness.model.conformer.operators import layer_norm
from harness.model.operators import product
from harness.model.tensors import Tensor

_EPSILON = 1e-3


@dataclass(frozen=True)
class Cell:
    """What a step of an LSTM layer computes with."""

    recurrent: Tensor
    """[H, 4H], gates in the order input, forget, cell, output."""
    norms: Tensor
    """[10 H]: gain and shift of the gates, gain and shift of the cells."""

    def step(self, gates: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return output and cells [B, H] after a step.

        Args:
            gates: [B, 4H], what the input gives them.
            h: [B, H] output of the step before.
            c: [B, H] its cells.
        """
        cells = h.shape[1]
        sizes = [4 * cells, 4 * cells, cells, cells]
        gate_gain, gate_shift, cell_gain, cell_shift = tf.split(self.norms, sizes)
        gates = layer_norm(gates + product(h, self.recurrent), gate_gain, gate_shift, _EPSILON)
        enter, forget, value, leave = tf.split(gates, 4, 1)
        c = tf.sigmoid(forget) * c + tf.sigmoid(enter) * tf.tanh(value)
        c = layer_norm(c, cell_gain, cell_shift, _EPSILON)
        return tf.sigmoid(leave) * tf.tanh(c), c


@dataclass(frozen=True)
class Loop:
    """How the steps of a sequence run."""

    lengths: Tensor
    """[B] steps of each row."""
    unroll: int
    """Steps in one block."""
    in_tensorflow: bool
    """Whether it is for tensorflow, not for a flatbuffer's interpreter."""


def outputs(gates: Tensor, cell: Cell, loop: Loop) -> Tensor:
    """Return the outputs [T, B, H] of a sequence that begins at zero.

    Args:
        gates: [T, B, 4H], what the inputs give the gates.
        cell: Of the layer.
        loop: How its steps run; past the longest row outputs are anything finite.
    """
    steps, batch, wide = gates.shape
    cells = wide // 4
    unroll = min(loop.unroll, steps)
    shape = (unroll, batch, cells)

    @tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def run(
        gates: Tensor, recurrent: Tensor, norms: Tensor
    ) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]]:
        parts = _parts(gates, unroll)
        nothing = tf.zeros([batch, cells])
        forward = Blocks(
            _forward_block(shape), [parts], [recurrent, norms], loop.lengths, unroll,
            in_tensorflow=loop.in_tensorflow,
        )  # fmt: skip
        out, began_h, began_c = forward.run([nothing, nothing])

        def gradient(d_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            back = Blocks(
                _backward_block(shape),
                [parts, _parts(d_out, unroll), began_h, began_c],
                [recurrent, norms],
                loop.lengths,
                unroll,
                backward=True,
                in_tensorflow=loop.in_tensorflow,
            )
            start = [nothing, nothing, tf.zeros(recurrent.shape), tf.zeros(norms.shape)]
            d_gates, d_recurrent, d_norms = back.run(start)
            return _joined(d_gates, steps), d_recurrent[0], d_norms[0]

        return _joined(out, steps), gradient

    return run(gates, cell.recurrent, cell.norms)


def _parts(sequence: Tensor, unroll: int) -> list[Tensor]:
    """[T, B, W] -> [unroll, B, W] each, zeros past the end."""
    more = -sequence.shape[0] % unroll
    padded = tf.pad(sequence, [[0, more], [0, 0], [0, 0]])
    parts: list[Tensor] = tf.split(padded, padded.shape[0] // unroll)
    return parts


def _joined(parts: list[Tensor], steps: int) -> Tensor:
    whole = tf.concat(parts, 0)
    return tf.slice(whole, [0, 0, 0], [steps, *whole.shape[1:]])


def _steps(gates: Tensor, h: Tensor, c: Tensor, cell: Cell) -> tuple[Tensor, Tensor, Tensor]:
    """Return the outputs of each step, and the last output and cells."""
    out = []
    for gate in tf.unstack(gates):
        h, c = cell.step(gate, h, c)
        out.append(h)
    return tf.stack(out), h, c


@lru_cache(maxsize=64)
def _forward_block(shape: tuple[int, int, int]) -> Block:
    """Return the state, then outputs, and the state that the block began with."""
    steps, batch, cells = shape

    def run(gates: Tensor, h: Tensor, c: Tensor, recurrent: Tensor, norms: Tensor) -> list[Tensor]:
        out, last_h, last_c = _steps(gates, h, c, Cell(recurrent, norms))
        return [last_h, last_c, out, tf.identity(h), tf.identity(c)]

    state = [batch, cells]
    return Block.of(
        run, [[steps, batch, 4 * cells], state, state, [cells, 4 * cells], [10 * cells]]
    )


@lru_cache(maxsize=64)
def _backward_block(shape: tuple[int, int, int]) -> Block:
    """Return gradients: of the first state, of the weights so far; then of the gates' inputs.

    Those of the weights are given twice: as state, and to be read.
    """
    steps, batch, cells = shape

    def run(
        gates: Tensor,
        d_out: Tensor,
        h: Tensor,
        c: Tensor,
        d_h: Tensor,
        d_c: Tensor,
        d_recurrent: Tensor,
        d_norms: Tensor,
        recurrent: Tensor,
        norms: Tensor,
    ) -> list[Tensor]:
        sources = [gates, h, c, recurrent, norms]
        ends = _steps(gates, h, c, Cell(recurrent, norms))
        # A tape records nothing in the scope in which blocks are traced.
        of_gates, of_h, of_c, more, more_norms = tf.gradients(ends, sources, (d_out, d_h, d_c))
        d_recurrent, d_norms = d_recurrent + more, d_norms + more_norms
        return [
            *(of_h, of_c, d_recurrent, d_norms),
            *(of_gates, tf.identity(d_recurrent), tf.identity(d_norms)),
        ]

    state, square, vectors = [batch, cells], [cells, 4 * cells], [10 * cells]
    sequence = [steps, batch, 4 * cells]
    return Block.of(
        run,
        [
            *(sequence, [steps, batch, cells], state, state),
            *(state, state, square, vectors),
            *(square, vectors),
        ],
    )
