"""The line that brings decoded numbers nearest to the true ones: OMC's scale and bias.

Sums are of 64-bit floats in `LANES` lanes, value ``i`` in lane ``i % LANES``, and the lanes are
then added in their order: Java comes to the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
LANES: Final = 4096


def fitted_line(true: Floats, decoded: Floats) -> tuple[float, float]:
    """Return (s, b) for which the squares of ``true - (s * decoded + b)`` are least.

    Where all decoded numbers are equal, s is 1 and b the mean of what is left.

    Args:
        true: One axis.
        decoded: As long.
    """
    if not true.size:
        return 1.0, 0.0
    sums = np.zeros((2, LANES))
    for v, q in _rows(true, decoded):
        sums[0, : v.size] += v
        sums[1, : q.size] += q
    mean_true, mean_decoded = (_total(lanes) / true.size for lanes in sums)
    sums[:] = 0
    for v, q in _rows(true, decoded):
        q -= mean_decoded
        v -= mean_true
        v *= q
        sums[0, : v.size] += v
        q *= q
        sums[1, : q.size] += q
    together, spread = (_total(lanes) for lanes in sums)
    if spread == 0:
        return 1.0, mean_true - mean_decoded
    s = together / spread
    return s, mean_true - s * mean_decoded


def _rows(true: Floats, decoded: Floats) -> Iterator[tuple[Doubles, Doubles]]:
    for begin in range(0, true.size, LANES):
        piece = slice(begin, begin + LANES)
        yield true[piece].astype(np.float64), decoded[piece].astype(np.float64)


def _total(lanes: Doubles) -> float:
    return float(np.add.accumulate(lanes)[-1])  # one after the other, which sum() is not
