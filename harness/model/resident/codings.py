"""How a block of a variable is held in few bits, and how its numbers come and go."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.model.tensors import Tensor

Parts = Mapping[str, Tensor]
"""The variables of a block, or their values, by ending."""

_LARGEST, _LARGEST_HALF = 127.0, 65_504.0
_TINY = 1e-30
_HEADROOM, _ROOMY = 1.1, 0.7
_CUT_BITS = 13
"""Bits of float32's mantissa that float16's does not have."""


@dataclass(frozen=True)
class Encoded:
    """A block in few bits."""

    parts: dict[str, Tensor]
    changed: Tensor
    """How many of its codes are others than before, a float32 scalar."""


class Coding(ABC):
    """A way to hold a block of numbers [rows, columns]."""

    @abstractmethod
    def packed(self, value: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Return the parts of a block, rounded to the nearest."""

    @abstractmethod
    def decoded(self, parts: Parts) -> Tensor:
        """Return the numbers [rows, columns] of a block."""

    @abstractmethod
    def encoded(self, value: Tensor, before: Parts | None, lots: Tensor | None) -> Encoded:
        """Return a block in few bits.

        Args:
            value: [rows, columns].
            before: The parts that it had; None: they do not matter.
            lots: [rows, columns], from 0 to below 1: up is rounded as often as a number is near
                what is above it. None: to the nearest.
        """


@dataclass(frozen=True)
class Half(Coding):
    """float16, two in an int32: variables of 16 bits are refused by tensorflow's converter."""

    power: int = 0
    """What is held is the number times two to this power."""

    def packed(self, value: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Return pairs of codes."""
        held = value * np.float32(2.0**self.power)
        return {"": held.astype(np.float16).view(np.int32)}

    def decoded(self, parts: Parts) -> Tensor:
        """Take pairs apart."""
        value = self._held(parts)
        return value * 2.0**-self.power if self.power else value

    def encoded(self, value: Tensor, before: Parts | None, lots: Tensor | None) -> Encoded:
        """Add a lot to the bits that are cut off, and cut.

        What is held nearer to 0 than float16's smallest normal number, 6e-5, is rounded to the
        nearest.
        """
        if self.power:
            value = value * 2.0**self.power
        if lots is not None:
            drawn = tf.cast(lots * 2.0**_CUT_BITS, tf.int32)
            bits = tf.bitwise.right_shift(tf.bitcast(value, tf.int32) + drawn, _CUT_BITS)
            value = tf.bitcast(bits * 2**_CUT_BITS, tf.float32)
        rows, columns = value.shape
        half = tf.cast(value, tf.float16)
        pairs = tf.bitcast(tf.reshape(half, [rows, columns // 2, 2]), tf.int32)
        held = None if before is None else self._held(before)
        return Encoded({"": pairs}, _differing(held, tf.cast(half, tf.float32)))

    def _held(self, parts: Parts) -> Tensor:
        pairs = parts[""]
        rows, half = pairs.shape
        return tf.cast(tf.reshape(tf.bitcast(pairs, tf.float16), [rows, 2 * half]), tf.float32)


class Linear(Coding):
    """int8 times a scale a column.

    A scale stays as it is while it fits: a new one would round all numbers anew, and by lot that
    adds up.
    """

    def packed(self, value: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Return codes and scales."""
        most = np.abs(value).max(0, keepdims=True)
        scale = (np.maximum(most, _TINY) * np.float32(1 / _LARGEST)).astype(np.float32)
        return {"": np.rint(value / scale).astype(np.int8), "_scale": scale}

    def decoded(self, parts: Parts) -> Tensor:
        """Multiply codes by their scales."""
        return tf.cast(parts[""], tf.float32) * parts["_scale"]

    def encoded(self, value: Tensor, before: Parts | None, lots: Tensor | None) -> Encoded:
        """Round numbers as parts of the scale."""
        need = tf.reduce_max(tf.abs(value), 0, keepdims=True) * (1.0 / _LARGEST)
        need = tf.maximum(need, _TINY)
        scale, unmoved = need, None
        turn = 0.5 if lots is None else lots
        if before is not None:
            was = scale = before["_scale"]
            fits = tf.cast(need <= scale, tf.float32) * tf.cast(need >= scale * _ROOMY, tf.float32)
            scale = fits * scale + (1.0 - fits) * (need * _HEADROOM)
            # what a step did is told apart from what a new scale does to numbers that stood still
            unmoved = tf.floor(tf.cast(before[""], tf.float32) * (was / scale) + turn)
            unmoved = tf.clip_by_value(unmoved, -_LARGEST, _LARGEST)
        codes = tf.clip_by_value(tf.floor(value / scale + turn), -_LARGEST, _LARGEST)
        return Encoded({"": tf.cast(codes, tf.int8), "_scale": scale}, _differing(unmoved, codes))


@dataclass(frozen=True)
class Squared(Coding):
    """int8 whose square, with its sign, is times a scale a column: fine near 0, coarse far from it.

    For moments, whose numbers lie orders of magnitude apart.
    """

    positive: bool = False
    """Numbers are never negative, and what is more than 0 never becomes 0: it is divided by."""

    def packed(self, value: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Return zeros; moments begin with them."""
        scale = np.zeros((1, value.shape[1]), np.float32)
        return {"": np.zeros(value.shape, np.int8), "_scale": scale}

    def decoded(self, parts: Parts) -> Tensor:
        """Square codes and multiply by their scales."""
        codes = tf.cast(parts[""], tf.float32)
        return codes * (codes if self.positive else tf.abs(codes)) * parts["_scale"]

    def encoded(self, value: Tensor, before: Parts | None, lots: Tensor | None) -> Encoded:
        """Round so that the square is right on average."""
        size = value if self.positive else tf.abs(value)
        most = tf.reduce_max(size, 0, keepdims=True)
        scale = tf.maximum(most, _TINY) * (1.0 / _LARGEST**2)
        ratio = size / scale
        below = tf.floor(tf.sqrt(ratio))
        part = (ratio - below * below) / (2.0 * below + 1.0)
        codes = tf.minimum(below + tf.floor(part + (0.5 if lots is None else lots)), _LARGEST)
        if self.positive:
            codes = tf.maximum(codes, tf.cast(size > 0.0, tf.float32))
        else:
            codes = codes * tf.sign(value)
        held = None if before is None else tf.cast(before[""], tf.float32)
        return Encoded({"": tf.cast(codes, tf.int8), "_scale": scale}, _differing(held, codes))


@dataclass(frozen=True)
class Root(Coding):
    """The square roots of numbers that are never negative: of half as many orders of magnitude."""

    roots: Coding

    def packed(self, value: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
        """Return the parts of the roots."""
        return self.roots.packed(np.sqrt(value))

    def decoded(self, parts: Parts) -> Tensor:
        """Square the roots."""
        return tf.square(self.roots.decoded(parts))

    def encoded(self, value: Tensor, before: Parts | None, lots: Tensor | None) -> Encoded:
        """Encode the roots."""
        return self.roots.encoded(tf.sqrt(value), before, lots)


@dataclass(frozen=True)
class Codings:
    """How weights are held, and their moments."""

    weights: Coding
    first: Coding
    second: Coding


def codings(resident: str, clip_norm: float) -> Codings:
    """Return the codings of a format.

    Args:
        resident: ``f16`` or ``int8``.
        clip_norm: No moment's root is further from 0.
    """
    if resident == "int8":
        return Codings(Linear(), Squared(), Root(Squared(positive=True)))
    moments = Half(math.floor(math.log2(_LARGEST_HALF / clip_norm)))
    return Codings(Half(), moments, Root(moments))


def _differing(before: Tensor | None, after: Tensor) -> Tensor:
    if before is None:
        return tf.zeros([])
    return tf.reduce_sum(tf.cast(tf.not_equal(before, after), tf.float32))
