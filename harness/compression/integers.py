"""int8, int6, int4: symmetric whole numbers times a scale a variable, a column or a row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.compression.bits import Codes
from harness.compression.errors import BadCodeError, NotFiniteError
from harness.compression.lots import Key
from harness.contract.wire import Per, Rounding

Floats = npt.NDArray[np.float32]
_LOTS = 2.0**-32


@dataclass(frozen=True)
class IntFormat:
    """A format of whole numbers from ``-most`` to ``most``, as two's complement.

    Args:
        bits: 8, 6 or 4.
        per: What has a scale.
    """

    bits: int
    per: Per = "tensor"

    @property
    def name(self) -> str:
        """As a scenario says it."""
        return f"int{self.bits}"

    @property
    def most(self) -> int:
        """The largest whole number."""
        return (1 << (self.bits - 1)) - 1

    def channels(self, shape: tuple[int, ...]) -> tuple[int, int, int, bool]:
        """Return how scales lie over a variable: (matrices, rows, columns, a scale a column).

        Up to three axes are a stack of matrices of inputs by outputs, more are a kernel whose last
        axis are outputs. What is no matrix has one scale.
        """
        if self.per == "tensor" or len(shape) < 2:
            return 1, 1, math.prod(shape), False
        if len(shape) > 3:
            return 1, math.prod(shape[:-1]), shape[-1], self.per == "column"
        return math.prod(shape[:-2]), shape[-2], shape[-1], self.per == "column"

    def count(self, shape: tuple[int, ...]) -> int:
        """Return how many scales a variable of a shape has."""
        matrices, rows, columns, by_column = self.channels(shape)
        return matrices * (columns if by_column else rows)

    def scales(self, value: Floats) -> Floats:
        """Return the scales of a variable, matrix by matrix.

        Raises:
            NotFiniteError: It holds NaN or an infinite number.
        """
        matrices, rows, columns, by_column = self.channels(value.shape)
        size = np.abs(value.reshape(matrices, rows, columns))
        largest = size.max(axis=1 if by_column else 2, initial=0)
        if not np.isfinite(largest).all():
            raise NotFiniteError("NaN and infinite numbers cannot be written smaller")
        scales: Floats = (largest.astype(np.float64) / self.most).astype(np.float32)
        return scales.reshape(-1)

    def encode(
        self, value: Floats, scales: Floats, rounding: Rounding, key: Key | None = None
    ) -> Codes:
        """Return the codes of a variable, row after row.

        Raises:
            ValueError: Stochastic rounding without a key.
        """
        matrices, rows, columns, by_column = self.channels(value.shape)
        stack = value.reshape(matrices, rows, columns)
        codes = np.empty(stack.shape, np.uint32)
        by = scales.astype(np.float64).reshape(matrices, -1)
        by = np.where(by == 0, 1.0, by)  # all of them are zero
        begin = 0
        for number in range(matrices):
            for first, last in _pieces(rows, columns):
                row, column = slice(*first), slice(*last)
                piece = stack[number, row, column]
                steps = by[number, column] if by_column else by[number, row, None]
                quotient = piece / steps
                if rounding == "stochastic":
                    if key is None:
                        raise ValueError("stochastic rounding needs a key")
                    lots = key.lots(begin, piece.size).reshape(piece.shape)
                    quotient = np.floor(quotient + lots * _LOTS)
                elif rounding == "nearest_away":
                    quotient = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient)
                else:
                    quotient = np.rint(quotient)
                np.clip(quotient, -self.most, self.most, out=quotient)
                codes[number, row, column] = quotient.astype(np.int32).view(np.uint32)
                begin += piece.size
        codes &= np.uint32((1 << self.bits) - 1)
        return codes.reshape(-1)

    def whole_numbers(self, codes: Codes) -> npt.NDArray[np.int32]:
        """Return the whole numbers of codes.

        Raises:
            BadCodeError: One stands for no number: there is no ``-most - 1``.
        """
        if codes.size and int(codes.max()) >> self.bits:
            raise BadCodeError(f"{int(codes.max())} is no code of {self.name}")
        if (codes == (1 << (self.bits - 1))).any():
            raise BadCodeError(f"a code of {self.name} stands for no number")
        whole = (codes << np.uint32(32 - self.bits)).view(np.int32)
        whole >>= 32 - self.bits
        return whole

    def decode(self, codes: Codes, scales: Floats, shape: tuple[int, ...]) -> Floats:
        """Return the variable of codes.

        Raises:
            BadCodeError: One stands for no number.
        """
        matrices, rows, columns, by_column = self.channels(shape)
        stack = self.whole_numbers(codes).astype(np.float32).reshape(matrices, rows, columns)
        steps = scales.reshape(matrices, -1)
        stack *= steps[:, None, :] if by_column else steps[:, :, None]
        return stack.reshape(shape)


def _pieces(rows: int, columns: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return pieces of a matrix, in the order of its values: rows, or parts of the only one."""
    size = 1 << 16
    if rows == 1:
        return [((0, 1), (c, min(c + size, columns))) for c in range(0, columns, size)]
    step = max(1, size // max(1, columns))
    return [((r, min(r + step, rows)), (0, columns)) for r in range(0, rows, step)]
