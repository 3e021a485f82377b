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
        """Return what ``gates`` needs of the weights [2, H, 4H], made once a layer."""
        return (tf.transpose(recurrent, [0, 2, 1]),)

    def gates(self, matrices: Sequence[Tensor], z: Tensor, h: Tensor) -> list[Tensor]:
        """Return the sums of the four gates [2, B, H], of z [2, B, 4H] and of h before it."""
        return tf.split(z + tf.matmul(h, matrices[0], transpose_b=True), 4, 2)  # type: ignore[no-any-return]

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return what ``into_hidden`` needs of the weights."""
        return (recurrent,)

    def into_hidden(self, matrices: Sequence[Tensor], dz: Tensor) -> Tensor:
        """Carry the gradient of the gates' sums back to h of the step before, [2, B, H]."""
        return tf.matmul(dz, matrices[0], transpose_b=True)


@dataclass(frozen=True)
class OneUtterance(RecurrentProduct):
    """A FULLY_CONNECTED a direction: a matrix-vector product, on one thread (on x86_64)."""

    in_tensorflow = False

    def ahead(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return a matrix [4H, H] a direction."""
        return tuple(tf.unstack(tf.transpose(recurrent, [0, 2, 1])))

    def gates(self, matrices: Sequence[Tensor], z: Tensor, h: Tensor) -> list[Tensor]:
        """Add each direction's product by itself."""
        return tf.split(z + _apart(h, matrices), 4, 2)  # type: ignore[no-any-return]

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return a matrix [H, 4H] a direction."""
        return tuple(tf.unstack(recurrent))

    def into_hidden(self, matrices: Sequence[Tensor], dz: Tensor) -> Tensor:
        """Return both directions' products."""
        return _apart(dz, matrices)


def _apart(states: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """[2, 1, A] -> [2, 1, C]."""
    pairs = zip(tf.unstack(states), matrices, strict=True)
    return tf.stack([tf.matmul(a, w, transpose_b=True) for a, w in pairs])


@dataclass(frozen=True)
class Columns(RecurrentProduct):
    """Utterances as columns: the matrix lies on the left and is read as it is."""

    columns = True
    in_tensorflow = False

    def gates(self, matrices: Sequence[Tensor], z: Tensor, h: Tensor) -> list[Tensor]:
        """As above, all of it [2, width, B]."""
        return tf.split(z + tf.matmul(matrices[0], h), 4, 1)  # type: ignore[no-any-return]

    def into_hidden(self, matrices: Sequence[Tensor], dz: Tensor) -> Tensor:
        """As above, all of it [2, width, B]."""
        return tf.matmul(matrices[0], dz)


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

    def gates(self, matrices: Sequence[Tensor], z: Tensor, h: Tensor) -> list[Tensor]:
        """Add one convolution."""
        return tf.split(z + _convolved(h, matrices[0]), 4, 2)  # type: ignore[no-any-return]

    def back(self, recurrent: Tensor) -> tuple[Tensor, ...]:
        """Return the kernel [1, 2, 4H, H]."""
        turned = tf.transpose(recurrent, [0, 2, 1])
        return (tf.reshape(turned, [1, *turned.shape]),)

    def into_hidden(self, matrices: Sequence[Tensor], dz: Tensor) -> Tensor:
        """Return one convolution."""
        return _convolved(dz, matrices[0])


def _convolved(states: Tensor, kernel: Tensor) -> Tensor:
    """[2, B, A] -> [2, B, C]."""
    _, batch, width = states.shape
    swapped = tf.raw_ops.DepthwiseConv2dNative(
        input=tf.reshape(states, [1, 2, batch * width, 1]),
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
