"""S1EeMm: small floating-point numbers, in arithmetic of whole numbers on the bits of float32.

So Java comes to the same bits. Oracles: ml_dtypes, numpy's float16 (tests/unit/compression).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.compression.bits import Codes
from harness.compression.errors import BadCodeError, NotFiniteError
from harness.compression.lots import Key
from harness.contract.wire import Kind, Rounding

Floats = npt.NDArray[np.float32]
_MANTISSA = 23
_BIAS = 127
_INFINITE = 0x7F800000
_WIDEST = 31
"""A shift of 32-bit numbers; what would be shifted further is first cut to this."""
_TABLE_BITS = 16


@dataclass(frozen=True)
class FloatFormat:
    """A format, and by how much its range is moved.

    Args:
        exponent: Bits of the exponent, 2 to 8.
        mantissa: Bits of the mantissa, 1 to 15.
        kind: Whether the top exponent holds numbers.
        k: Numbers are written times ``2**k``.

    Raises:
        BadCodeError: Numbers of it would not be float32's.
    """

    exponent: int
    mantissa: int
    kind: Kind = "fn"
    k: int = 0

    def __post_init__(self) -> None:
        if self.k and not (self._least_k <= self.k <= self._most_k):
            raise BadCodeError(f"the exponent of {self.name} cannot be moved by {self.k}")

    @property
    def name(self) -> str:
        """As a scenario says it."""
        return f"S1E{self.exponent}M{self.mantissa}"

    @property
    def bits(self) -> int:
        """Of a code."""
        return 1 + self.exponent + self.mantissa

    @property
    def bias(self) -> int:
        """The conventional one."""
        return (1 << (self.exponent - 1)) - 1

    @property
    def _top(self) -> int:
        """Exponent of the largest number, before it is moved."""
        highest = (1 << self.exponent) - (2 if self.kind == "ieee" else 1)
        return min(highest - self.bias, _BIAS)

    @property
    def _least_k(self) -> int:
        return self._top - _BIAS

    @property
    def _most_k(self) -> int:
        """Beyond this the smallest normal number is smaller than float32's."""
        return 1 - self.bias + _BIAS - 1

    @property
    def low(self) -> int:
        """The smallest normal exponent, as float32 writes it."""
        return 1 - self.bias - self.k + _BIAS

    @property
    def max_code(self) -> int:
        """Of the largest number."""
        return ((self._top + self.bias) << self.mantissa) | ((1 << self.mantissa) - 1)

    @property
    def largest(self) -> float:
        """The largest number."""
        return float(math.ldexp(2 - 2.0**-self.mantissa, self._top - self.k))

    def fitted(self, largest: float) -> FloatFormat:
        """Return it moved so that a number lies in the top binade, as far as float32 reaches."""
        if largest == 0:
            return self
        k = self._top - (math.frexp(largest)[1] - 1)
        k = max(self._least_k, min(self._most_k, k))
        return FloatFormat(self.exponent, self.mantissa, self.kind, k)

    def encode(
        self,
        values: Floats,
        rounding: Rounding,
        *,
        subnormals: bool = True,
        key: Key | None = None,
        begin: int = 0,
    ) -> Codes:
        """Return the codes of numbers; what is too large becomes the largest.

        Args:
            values: One axis.
            rounding: How.
            subnormals: Whether there are some; else they become zero.
            key: Of stochastic rounding.
            begin: Place of the first value in its variable.

        Raises:
            NotFiniteError: One is NaN or infinite.
            ValueError: Stochastic rounding without a key.
        """
        raw = values.view(np.uint32)
        size = raw & np.uint32(0x7FFFFFFF)
        if size.size and int(size.max()) >= _INFINITE:
            raise NotFiniteError("NaN and infinite numbers cannot be written smaller")
        exponent = np.maximum(size >> np.uint32(_MANTISSA), np.uint32(1))
        size -= (exponent - np.uint32(1)) << np.uint32(_MANTISSA)  # with its leading one
        place = np.maximum(exponent, np.uint32(self.low))
        shift = place - exponent
        shift += np.uint32(_MANTISSA - self.mantissa)
        if shift.size and int(shift.max()) > _WIDEST:
            beyond = np.maximum(shift, np.uint32(_WIDEST)) - np.uint32(_WIDEST)
            size >>= np.minimum(beyond, np.uint32(_WIDEST))
            shift = np.minimum(shift, np.uint32(_WIDEST))
        if rounding == "stochastic":
            if key is None:
                raise ValueError("stochastic rounding needs a key")
            lots = key.lots(begin, values.size)
            lots >>= np.uint32(32) - shift
            size += lots
        else:
            half = np.uint32(1) << (shift - np.uint32(1))
            if rounding == "nearest_even":
                half += ((size >> shift) & np.uint32(1)) - np.uint32(1)
            size += half
        size >>= shift
        place -= np.uint32(self.low)
        place <<= np.uint32(self.mantissa)
        size += place
        np.minimum(size, np.uint32(self.max_code), out=size)
        if not subnormals:
            size[size < (1 << self.mantissa)] = 0
        size |= (raw >> np.uint32(31)) << np.uint32(self.exponent + self.mantissa)
        return size

    def decode(self, codes: Codes) -> Floats:
        """Return the numbers of codes.

        Raises:
            BadCodeError: One stands for no number.
        """
        if codes.size and int(codes.max()) >> self.bits:
            raise BadCodeError(f"{int(codes.max())} is no code of {self.name}")
        if self.bits <= _TABLE_BITS:
            table = _table(self)
            values: Floats = table[codes]
        else:
            values = self._decoded(codes)
        if not self._all_finite and np.isnan(values).any():
            raise BadCodeError(f"a code of {self.name} stands for no number")
        return values

    @property
    def _all_finite(self) -> bool:
        return self.max_code == (1 << (self.bits - 1)) - 1

    def _decoded(self, codes: Codes) -> Floats:
        size = codes & np.uint32((1 << (self.bits - 1)) - 1)
        exponent = size >> np.uint32(self.mantissa)
        place = np.maximum(exponent, np.uint32(1))
        whole = size - ((place - np.uint32(1)) << np.uint32(self.mantissa))
        steps = np.array(
            [
                math.ldexp(1.0, min(n - self.bias - self.k - self.mantissa, _BIAS))
                for n in range(2**self.exponent)
            ],
            np.float32,
        )
        values: Floats = whole.astype(np.float32) * steps[place]
        values[size > self.max_code] = np.nan
        values.view(np.uint32)[:] |= (codes >> np.uint32(self.bits - 1)) << np.uint32(31)
        return values


@lru_cache(maxsize=64)
def _table(form: FloatFormat) -> Floats:
    with np.errstate(over="ignore"):
        table = form._decoded(np.arange(1 << form.bits, dtype=np.uint32))
    table.flags.writeable = False
    return table
