"""A variable written small, and read back.

Before the codes lie, little-endian: of S1EeMm the power of two (int8), the scale and the bias
(float32 each); of intN the scales (float32 each). Of float32 nothing does.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.compression.bits import Codes, pack_bits, packed_size, unpack_bits
from harness.compression.errors import BadCodeError, UnknownCodingError, WrongLengthError
from harness.compression.floats import FloatFormat
from harness.compression.integers import IntFormat
from harness.compression.line import fitted_line
from harness.compression.lots import Key
from harness.compression.shuffled import SHUFFLED, Shuffled
from harness.contract.wire import FLOAT32, Wire, float_bits

Floats = npt.NDArray[np.float32]
_HEAD: Final = struct.Struct("<bff")
_BLOCK: Final = 1 << 15
"""Values that are worked on at once, so that they stay in a processor's cache; a multiple of 8, so
that each block's codes fill whole bytes."""
_CODING: Final = re.compile(r"(S1E[2-8]M\d+)/(fn|ieee)|(int[468])/(tensor|column|row)")
Format = FloatFormat | IntFormat | Shuffled
"""That of a variable's codes."""


@dataclass(frozen=True)
class Packed:
    """A variable written small.

    Args:
        coding: How to read it: ``S1E3M7/fn``, ``int8/column``.
        shape: Of the variable.
        data: What stands before the codes, and the codes.

    Raises:
        UnknownCodingError: There is no such coding.
        WrongLengthError: It has more or fewer bytes than the shape needs.
        BadCodeError: What stands before the codes cannot be.
    """

    coding: str
    shape: tuple[int, ...]
    data: bytes

    def __post_init__(self) -> None:
        wanted = packed_length(self.coding, self.shape)
        if len(self.data) != wanted:
            raise WrongLengthError(
                f"{self.count} numbers in {self.coding} take {wanted} bytes, not {len(self.data)}"
            )

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @cached_property
    def format(self) -> Format:
        """That of its codes."""
        form = format_of(self.coding)
        if not isinstance(form, FloatFormat):
            return form
        k, s, b = _HEAD.unpack_from(self.data)
        if not (math.isfinite(s) and math.isfinite(b)):
            raise BadCodeError(f"a scale of {s} and a bias of {b}")
        return FloatFormat(form.exponent, form.mantissa, form.kind, k)

    @property
    def line(self) -> tuple[float, float]:
        """Scale and bias of S1EeMm."""
        _, s, b = _HEAD.unpack_from(self.data)
        return s, b

    @property
    def scales(self) -> Floats:
        """Those of intN."""
        return np.frombuffer(self.data, "<f4", self._head_size // 4).astype(np.float32)

    @property
    def _head_size(self) -> int:
        return _head_size(self.format, self.shape)

    def codes(self) -> Codes:
        """Return the codes.

        Raises:
            BadCodeError: Bits are set behind the last one.
        """
        if isinstance(self.format, Shuffled):
            return self.format.codes(self._packed)
        return unpack_bits(self._packed, self.format.bits, self.count)

    @property
    def _packed(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self.data, np.uint8, offset=self._head_size)

    def value(self) -> Floats:
        """Return the variable.

        Raises:
            BadCodeError: A code stands for no number, or a number is none of float32's.
        """
        form = self.format
        if isinstance(form, IntFormat):
            scales = self.scales
            if not np.isfinite(scales).all():
                raise BadCodeError("a scale is NaN or infinite")
            with np.errstate(over="ignore"):
                value = form.decode(self.codes(), scales, self.shape)
        elif isinstance(form, Shuffled):
            value = form.decode(self._packed, self.shape)
        else:
            value = self._floating(form)
        if not np.isfinite(value.sum(dtype=np.float64)):
            raise BadCodeError("a number is too large for float32")
        return value

    def _floating(self, form: FloatFormat) -> Floats:
        s, b = (np.float32(number) for number in self.line)
        flat = np.empty(self.count, np.float32)
        packed, bits = self._packed, form.bits
        with np.errstate(over="ignore", invalid="ignore"):
            for begin in range(0, self.count, _BLOCK):
                count = min(_BLOCK, self.count - begin)
                first = begin // 8 * bits
                piece = packed[first : first + packed_size(count, bits)]
                values = form.decode(unpack_bits(piece, bits, count))
                if s != 1 or b != 0:
                    values = values * s
                    values += b
                flat[begin : begin + count] = values
        return flat.reshape(self.shape)


def packed_length(coding: str, shape: tuple[int, ...]) -> int:
    """Return the bytes that a variable takes.

    Raises:
        UnknownCodingError: There is no such coding.
    """
    form = format_of(coding)
    return _head_size(form, shape) + packed_size(math.prod(shape), form.bits)


def _head_size(form: Format, shape: tuple[int, ...]) -> int:
    if isinstance(form, Shuffled):
        return 0
    return _HEAD.size if isinstance(form, FloatFormat) else 4 * form.count(shape)


def format_of(coding: str) -> Format:
    """Return the format of a coding, not moved.

    Raises:
        UnknownCodingError: There is no such coding.
    """
    if coding == SHUFFLED:
        return Shuffled()
    match = _CODING.fullmatch(coding)
    if match is None:
        raise UnknownCodingError(f"numbers in {coding[:40]!r} cannot be read")
    if match[3] is not None:
        return IntFormat(int(match[3][3:]), match[4])  # type: ignore[arg-type]
    bits = float_bits(match[1])
    if bits is None:
        raise UnknownCodingError(f"numbers in {coding[:40]!r} cannot be read")
    return FloatFormat(*bits, match[2])  # type: ignore[arg-type]


def coding_of(wire: Wire) -> str:
    """Return how to read what a job asks for."""
    if wire.format == FLOAT32:
        return SHUFFLED
    if float_bits(wire.format) is None:
        return f"{wire.format}/{wire.per}"
    return f"{wire.format}/{wire.kind}"


def pack(value: Floats, wire: Wire, key: str) -> Packed:
    """Write a variable small.

    Args:
        value: The variable.
        wire: How.
        key: Of stochastic rounding: another text for each variable and each time.

    Raises:
        NotFiniteError: It holds NaN or an infinite number.
    """
    value = np.ascontiguousarray(value, np.float32)
    coding = coding_of(wire)
    form = format_of(coding)
    if isinstance(form, Shuffled):
        return Packed(coding, value.shape, form.encode(value))
    lots = Key.of(key) if wire.rounding == "stochastic" else None
    if isinstance(form, IntFormat):
        scales = form.scales(value)
        data = pack_bits(form.encode(value, scales, wire.rounding, lots), form.bits)
        return Packed(coding, value.shape, scales.astype("<f4").tobytes() + data.tobytes())
    flat = value.reshape(-1)
    if wire.exponent == "fitted" and flat.size:
        form = form.fitted(float(max(flat.max(), -flat.min())))
    data, decoded = _coded(flat, form, wire, lots)
    s, b = (1.0, 0.0) if decoded is None else fitted_line(flat, decoded)
    return Packed(coding, value.shape, _HEAD.pack(form.k, s, b) + data.tobytes())


def recoded(value: Floats, packed: Packed, wire: Wire, key: str) -> Codes:
    """Return the codes that other numbers have where a variable's scale and lots are kept.

    Numbers that are equal have equal codes; so what differs is what has changed.

    Args:
        value: Numbers of the variable at another time.
        packed: The variable, as `pack` wrote it.
        wire: How it was written.
        key: With which key.
    """
    value = np.ascontiguousarray(value, np.float32)
    form = packed.format
    if isinstance(form, Shuffled):
        return value.reshape(-1).view(np.uint32)
    lots = Key.of(key) if wire.rounding == "stochastic" else None
    if isinstance(form, IntFormat):
        return form.encode(value, packed.scales, wire.rounding, lots)
    flat = value.reshape(-1)
    codes = np.empty(flat.size, np.uint32)
    for begin in range(0, flat.size, _BLOCK):
        codes[begin : begin + _BLOCK] = form.encode(
            flat[begin : begin + _BLOCK],
            wire.rounding,
            subnormals=wire.subnormals,
            key=lots,
            begin=begin,
        )
    return codes


def nonzero(packed: Packed) -> int:
    """Return how many codes say something else than zero.

    Raises:
        BadCodeError: Bits are set behind the last code.
    """
    codes = packed.codes()
    if not isinstance(packed.format, IntFormat):
        codes &= np.uint32((1 << (packed.format.bits - 1)) - 1)  # zero has two signs
    return int(np.count_nonzero(codes))


def _coded(
    flat: Floats, form: FloatFormat, wire: Wire, lots: Key | None
) -> tuple[npt.NDArray[np.uint8], Floats | None]:
    """Return packed codes, and the decoded numbers if the line is wanted."""
    packed = np.empty(packed_size(flat.size, form.bits), np.uint8)
    decoded = np.empty(flat.size, np.float32) if wire.transform else None
    for begin in range(0, flat.size, _BLOCK):
        piece = flat[begin : begin + _BLOCK]
        codes = form.encode(piece, wire.rounding, subnormals=wire.subnormals, key=lots, begin=begin)
        if decoded is not None:
            decoded[begin : begin + _BLOCK] = form.decode(codes)
        some = pack_bits(codes, form.bits)
        first = begin // 8 * form.bits
        packed[first : first + some.size] = some
    return packed, decoded
