"""The product of one BLSTM time step with the recurrent matrix, both directions at once.

It is taken thousands of times in a training step, and its matrix is no constant, so how it is
written decides what a step costs; ``script/bench recurrent`` measures the ways. A time step's state
is [2, B, width], its gates are in the order input, forget, output, candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from harness.model.tensors import Tensor

_MOST_ROWS = 2
"""Largest batch for ``DirectionRows``: its time grows with the batch."""
_LARGE_BYTES = 2**20
"""From here on a recurrent matrix is worth the two threads of ``DirectionRows``."""
_MOST_COLUMNS = 4096
"""Widest matrix for ``DirectionRows``: LiteRT sums DEPTHWISE_CONV_2D in a buffer of 4832 floats."""


@dataclass(frozen=True)
class RecurrentProduct:
    """One product, as tensorflow runs it; XNNPACK would pack the matrix at each time step."""

    columns = False
    """Whether a time step's state is [2, width, B] instead."""
    in_tensorflow = True
    """Whether it is for tensorflow, not for a flatbuffer's interpreter."""

    def ahead(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return what takes h to the gates, of the weights [2, H, 4H]; made once a layer."""
        return (tf.transpose(recurrent, [0, 2, 1]),)

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return what takes the gradient of the gates' sums back to h of the step before."""
        return (recurrent,)

    def times(self, state: Tensor, matrices: Sequence[Tensor]) -> Tensor:
        """Return the product [2, B, C] of a state [2, B, A] with what one of the above made."""
        return tf.matmul(state, matrices[0], transpose_b=True)


@dataclass(frozen=True)
class OneUtterance(RecurrentProduct):
    """A FULLY_CONNECTED a direction: a matrix-vector product, on one thread (on x86_64)."""

    in_tensorflow = False

    def ahead(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return a matrix [4H, H] a direction."""
        return tuple(tf.unstack(tf.transpose(recurrent, [0, 2, 1])))

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return a matrix [H, 4H] a direction."""
        return tuple(tf.unstack(recurrent))

    def times(self, state: Tensor, matrices: Sequence[Tensor]) -> Tensor:
        """Return each direction's product by itself."""
        pairs = zip(tf.unstack(state), matrices, strict=True)
        return tf.stack([tf.matmul(a, w, transpose_b=True) for a, w in pairs])


@dataclass(frozen=True)
class Columns(RecurrentProduct):
    """Utterances as columns: the matrix lies on the left and is read as it is."""

    columns = True
    in_tensorflow = False

    def times(self, state: Tensor, matrices: Sequence[Tensor]) -> Tensor:
        """As above, of [2, A, B] to [2, C, B]."""
        return tf.matmul(matrices[0], state)


@dataclass(frozen=True)
class DirectionRows(RecurrentProduct):
    """A DEPTHWISE_CONV_2D with one row a direction: no packing, and a thread a direction.

    The kernel has a row of taps for each direction, as wide as a state, and is moved along the row
    of states by whole states. Dilated by two and padded by one, it meets the input's row 1 for the
    output's row 0, with its own row 1 and nothing else, and row 0 for row 1: so what comes out has
    its directions swapped. tensorflow has no kernel for it; a flatbuffer has.
    """

    in_tensorflow = False

    def ahead(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return the kernel [1, 2, H, 4H], the shape in which a flatbuffer has it."""
        return (tf.reshape(recurrent, [1, *recurrent.shape]),)

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return the kernel [1, 2, 4H, H]."""
        return self.ahead(tf.transpose(recurrent, [0, 2, 1]))

    def times(self, state: Tensor, matrices: Sequence[Tensor]) -> Tensor:
        """Return the convolution."""
        (kernel,) = matrices
        _, batch, width = state.shape
        swapped = tf.raw_ops.DepthwiseConv2dNative(
            input=tf.reshape(state, [1, 2, batch * width, 1]),
            filter=tf.reshape(kernel, [2, width, 1, -1]),
            strides=[1, 1, width, 1],
            dilations=[1, 2, 1, 1],
            padding="SAME",
        )
        return tf.reverse(tf.reshape(swapped, [2, batch, kernel.shape[3]]), [0])


def recurrent_product(batch: int, hidden: int) -> RecurrentProduct:
    """Choose the fastest in a flatbuffer's interpreter, whatever its version.

    Args:
        batch: Utterances in a batch.
        hidden: Cells a direction.
    """
    large = 2 * hidden * 4 * hidden * tf.float32.size >= _LARGE_BYTES
    if large and batch <= _MOST_ROWS and 4 * hidden <= _MOST_COLUMNS:
        return DirectionRows()
    return OneUtterance() if batch == 1 else Columns()
