"""A variable that is held in few bits, block by block."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.model.resident.codings import Coding
from harness.model.tensors import Tensor

BLOCK = 2**19
"""Numbers in a block, at most: what is decoded at once while weights move (2 MiB as float32)."""


@dataclass(frozen=True)
class Cut:
    """A part of a variable: where it begins on each axis, and how far it goes."""

    begin: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def columns(self) -> int:
        """Its last axis, which is whole."""
        return self.size[-1]

    @property
    def rows(self) -> int:
        """All its other axes, as one."""
        return math.prod(self.size[:-1])

    def of(self, whole: Any) -> Any:
        """Return it [rows, columns] of an array of the variable's shape."""
        ends = (first + count for first, count in zip(self.begin, self.size, strict=True))
        part = whole[tuple(slice(f, e) for f, e in zip(self.begin, ends, strict=True))]
        return part.reshape(self.rows, self.columns)


@dataclass(frozen=True)
class Block:
    """A part of a variable, held by itself."""

    cut: Cut
    coding: Coding
    stored: Mapping[str, Tensor]
    """Its tensorflow variables, by ending."""

    @property
    def codes(self) -> int:
        """How many numbers it holds."""
        return self.cut.rows * self.cut.columns

    def read(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Return its numbers [rows, columns], and the parts they were made of."""
        parts = {ending: variable.read_value() for ending, variable in self.stored.items()}
        return self.coding.decoded(parts), parts

    def of(self, whole: Tensor) -> Tensor:
        """Return its part [rows, columns] of a tensor of the variable's shape.

        It is cut before it gets another shape: that of the whole would be a copy of the whole.
        """
        part = tf.slice(whole, self.cut.begin, self.cut.size)
        return tf.reshape(part, [self.cut.rows, self.cut.columns])

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
        self.size = math.prod(value.shape)
        self.blocks = [
            Block(cut, coding, _stored(f"{name}.{number}", cut.of(value), coding))
            for number, cut in enumerate(cuts(value.shape))
        ]

    @property
    def variables(self) -> Iterator[Tensor]:
        """The tensorflow variables that hold it."""
        for block in self.blocks:
            yield from block.stored.values()

    def read_value(self) -> Tensor:
        """Return all of it, decoded."""
        decoded = [block.read()[0] for block in self.blocks]
        if not self.is_stack:
            joined = decoded[0] if len(decoded) == 1 else tf.concat(decoded, 0)
            return tf.reshape(joined, self.shape)
        matrices: dict[int, list[Tensor]] = {}  # not joined and then shaped: one copy less
        for block, rows in zip(self.blocks, decoded, strict=True):
            matrices.setdefault(block.cut.begin[0], []).append(tf.reshape(rows, block.cut.size))
        whole = [rows[0] if len(rows) == 1 else tf.concat(rows, 1) for rows in matrices.values()]
        return whole[0] if len(whole) == 1 else tf.concat(whole, 0)

    @property
    def is_stack(self) -> bool:
        """Whether it is matrices [N, rows, columns] of which a block has rows of one."""
        return len(self.shape) == 3 and all(block.cut.size[0] == 1 for block in self.blocks)

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


def cuts(shape: tuple[int, ...]) -> list[Cut]:
    """Return the parts of a variable that are blocks, none of them much larger than ``BLOCK``.

    The first axis whose slices are no larger is parted; of each axis before it a part has one.
    """
    sizes = [math.prod(shape[axis + 1 :]) for axis in range(len(shape) - 1)]
    parted = next((axis for axis, size in enumerate(sizes) if size <= BLOCK), len(shape) - 2)
    length = shape[parted]
    each = -(-length // -(-length * sizes[parted] // BLOCK))
    return [
        Cut(
            (*before, first, *(0 for _ in shape[parted + 1 :])),
            (*(1 for _ in before), min(each, length - first), *shape[parted + 1 :]),
        )
        for before in itertools.product(*(range(n) for n in shape[:parted]))
        for first in range(0, length, each)
    ]


def _stored(name: str, part: npt.NDArray[np.float32], coding: Coding) -> dict[str, Tensor]:
    packed = coding.packed(np.ascontiguousarray(part))
    return {ending: tf.Variable(held, name=name + ending) for ending, held in packed.items()}
