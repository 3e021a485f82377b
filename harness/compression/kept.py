"""Only some rows or columns of a matrix travel, whole; the others are zero, or as they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.compression.errors import BadCodeError, WrongLengthError

Floats = npt.NDArray[np.float32]
Units = Literal["columns", "rows"]
"""``columns``: output units, the last axis; ``rows``: input units, the last but one."""


def units_mask(kept: Sequence[int], units: int) -> bytes:
    """Return a bit for each unit, the lowest first: what says which travel.

    Raises:
        BadCodeError: There is no such unit, or one is named twice.
    """
    if len(set(kept)) != len(kept) or any(not 0 <= unit < units for unit in kept):
        raise BadCodeError(f"the kept units are not {len(kept)} different ones of {units}")
    bits = np.zeros(units, np.uint8)
    bits[list(kept)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def masked_units(mask: bytes, units: int) -> list[int]:
    """Return the units that a mask names.

    Raises:
        WrongLengthError: It is of more or fewer units.
        BadCodeError: Bits are set behind the last one.
    """
    if len(mask) != (units + 7) // 8:
        raise WrongLengthError(f"{units} units take {(units + 7) // 8} bytes, not {len(mask)}")
    bits = np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")
    if bits[units:].any():
        raise BadCodeError("bits are set behind the last unit")
    return [int(unit) for unit in np.flatnonzero(bits)]


def select(value: Floats, units: Units, kept: Sequence[int]) -> Floats:
    """Return the kept columns or rows."""
    return np.ascontiguousarray(np.take(value, kept, axis=_axis(units)))


def place(part: Floats, units: Units, kept: Sequence[int], into: Floats) -> Floats:
    """Return a matrix whose kept columns or rows are those of a part.

    Raises:
        WrongLengthError: The part has more or fewer of them.
    """
    axis = _axis(units)
    if part.shape[axis] != len(kept):
        raise WrongLengthError(f"{part.shape[axis]} {units} came, {len(kept)} were kept")
    whole = into.copy()
    if units == "columns":
        whole[..., list(kept)] = part
    else:
        whole[..., list(kept), :] = part
    return whole


def _axis(units: Units) -> int:
    return -1 if units == "columns" else -2
