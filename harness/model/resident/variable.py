"""A variable that is held in few bits, block by block of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.model.resident.codings import Coding
from harness.model.tensors import Tensor

BLOCK = 2**18
"""Numbers in a block, about: what is decoded at once while weights move (1 MiB as float32)."""


@dataclass(frozen=True)
class Block:
    """Rows of a variable, whose leading axes are one."""

    first: int
    rows: int
    columns: int
    coding: Coding
    stored: Mapping[str, Tensor]
    """Its tensorflow variables, by ending."""

    @property
    def codes(self) -> int:
        """How many numbers it holds."""
        return self.rows * self.columns

    def read(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Return its numbers [rows, columns], and the parts they were made of."""
        parts = {ending: variable.read_value() for ending, variable in self.stored.items()}
        return self.coding.decoded(parts), parts

    def of(self, whole: Tensor) -> Tensor:
        """Return its rows [rows, columns] of a tensor of the variable's shape."""
        rows = tf.reshape(whole, [-1, self.columns])
        return tf.slice(rows, [self.first, 0], [self.rows, self.columns])

    def write(
        self, value: Tensor, before: Mapping[str, Tensor] | None, lots: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Encode and keep numbers.

        Args:
            value: [rows, columns].
            before: The parts that it had; None: they do not matter.
            lots: [rows, columns]; None: to the nearest.

        Returns:
            The last assignment, and how many codes changed.
        """
        encoded = self.coding.encoded(value, before, lots)
        return self._assign(encoded.parts), encoded.changed

    def _assign(self, parts: Mapping[str, Tensor]) -> Tensor:
        done: list[Tensor] = []
        for ending, variable in self.stored.items():
            with tf.control_dependencies(done):
                done = [variable.assign(parts[ending], read_value=False)]
        return done[0]

    def clear(self, zero: Tensor) -> None:
        """Make all of it 0.

        Args:
            zero: A float 0 that only the run knows.
        """
        for variable in self.stored.values():
            variable.assign(tf.fill(variable.shape.as_list(), tf.cast(zero, variable.dtype)))


class EncodedVariable:
    """A variable of float32 at its boundary, of few bits within.

    Args:
        name: Full name; its parts begin with it.
        value: First value, with at least two axes.
        coding: How it is held.
    """

    def __init__(self, name: str, value: npt.NDArray[np.float32], coding: Coding) -> None:
        self.name = name
        self.shape = tf.TensorShape(value.shape)
        self.columns = value.shape[-1]
        self.size = math.prod(value.shape)
        self.blocks = [
            Block(first, rows, self.columns, coding, stored)
            for first, rows, stored in _stored(name, value, coding)
        ]

    @property
    def variables(self) -> Iterator[Tensor]:
        """The tensorflow variables that hold it."""
        for block in self.blocks:
            yield from block.stored.values()

    def read_value(self) -> Tensor:
        """Return all of it, decoded."""
        decoded = [block.read()[0] for block in self.blocks]
        return tf.reshape(decoded[0] if len(decoded) == 1 else tf.concat(decoded, 0), self.shape)

    def assign(self, value: Tensor) -> None:
        """Keep a value, rounded to the nearest; scales are made for it anew."""
        waits: list[Tensor] = []
        for block in self.blocks:
            with tf.control_dependencies(waits):
                waits = [block.write(block.of(value), None, None)[0]]

    def clear(self, zero: Tensor) -> None:
        """Make all of it 0."""
        for block in self.blocks:
            block.clear(zero)


def variables_of(variable: Tensor) -> list[Tensor]:
    """Return the tensorflow variables that hold one of either kind."""
    return list(variable.variables) if isinstance(variable, EncodedVariable) else [variable]


def block_rows(rows: int, columns: int) -> Sequence[tuple[int, int]]:
    """Return the first row and the number of rows of each block.

    Args:
        rows: Of the variable, all axes but the last as one.
        columns: Its last axis.
    """
    blocks = max(1, -(-rows * columns // BLOCK))
    each = -(-rows // blocks)
    return [(first, min(each, rows - first)) for first in range(0, rows, each)]


def _stored(
    name: str, value: npt.NDArray[np.float32], coding: Coding
) -> Iterator[tuple[int, int, dict[str, Tensor]]]:
    rows = value.reshape(-1, value.shape[-1])
    for number, (first, count) in enumerate(block_rows(*rows.shape)):
        packed = coding.packed(np.ascontiguousarray(rows[first : first + count]))
        yield (
            first,
            count,
            {
                ending: tf.Variable(part, name=f"{name}.{number}{ending}")
                for ending, part in packed.items()
            },
        )
