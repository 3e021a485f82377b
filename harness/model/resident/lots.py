"""Lots for stochastic rounding, by seed and step, from whole numbers that no operator overflows.

A block of rows and columns needs a lot for each of its numbers. It gets one for each row and one
for each column; the lot of a place is the fraction of their sum. Any two places of a block are then
independent of each other, which is what the variance of a sum needs, and a block's lots cost its
rows and columns, not its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from harness.model.tensors import Tensor

PRIME = 46_337
"""The largest prime whose square an int32 holds; 2 more than a multiple of 3, so that cubing
permutes the whole numbers below it."""
_SECOND = 7919


@dataclass(frozen=True)
class Place:
    """Where a block's lots stand."""

    number: int
    """Of the block among all of a network."""
    rows: int
    columns: int

    @property
    def width(self) -> int:
        """Lots that it needs."""
        return self.rows + self.columns


class Lots:
    """The lots of all blocks of a network in one step.

    Args:
        seed: Scalar int32, at least 0.
        step: Scalar int32, at least 0.
        blocks: How many there are.
        width: Lots of the block that needs most.

    Raises:
        ValueError: A block is too long and wide.
    """

    def __init__(self, seed: Tensor, step: Tensor, blocks: int, width: int) -> None:
        if width > PRIME:
            raise ValueError(f"a block of {width} rows and columns; at most {PRIME}")
        across = tf.constant(np.arange(width, dtype=np.int32)[None])
        down = tf.constant(np.arange(blocks, dtype=np.int32)[:, None] % PRIME)
        later = tf.constant(np.arange(blocks, dtype=np.int64)[:, None] * _SECOND % PRIME)
        mixed = _cubed(across + _below(seed))
        mixed = _cubed(mixed + down + _below(step))
        mixed = _cubed(mixed + tf.cast(later, tf.int32) + _below(seed // PRIME + step // PRIME))
        self._table = (tf.cast(mixed, tf.float32) + 0.5) * (1.0 / PRIME)

    def of(self, place: Place, turn: float = 0.0) -> Tensor:
        """Return lots [rows, columns] from 0 to below 1.

        Args:
            place: Of the block.
            turn: Moves all of them on, around the circle: for another value of the same block.
        """
        start, rows = [place.number, 0], place.rows
        row = tf.reshape(tf.slice(self._table, start, [1, rows]), [rows, 1])
        column = tf.slice(self._table, [place.number, rows], [1, place.columns])
        total = row + (column + turn if turn else column)
        return total - tf.floor(total)


def _below(number: Tensor) -> Tensor:
    return tf.math.floormod(number, PRIME)


def _cubed(number: Tensor) -> Tensor:
    first = _below(number)
    return _below(_below(first * first) * first)
