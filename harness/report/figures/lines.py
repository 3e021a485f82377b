"""Lines as corners in pixels: broken where unknown, no more corners than can be seen (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = Sequence[float] | npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
"""left, top, right, bottom"""


def unbroken(xs: Points, ys: Points) -> tuple[npt.NDArray[np.float64], ...]:
    """Split a line where it is not known; what is left of one point is a dot."""
    corners = np.column_stack([xs, ys]).astype(np.float64)
    known = np.isfinite(corners).all(axis=1)
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    return tuple(corners[begin:end] for begin, end in edges.reshape(-1, 2).tolist())


def leaves(parts: Sequence[npt.NDArray[np.float64]], box: Box) -> bool:
    """Say whether any corner lies outside of a box."""
    corners = np.vstack(list(parts))
    low, high = corners.min(axis=0), corners.max(axis=0)
    left, top, right, bottom = box
    return bool(low[0] < left or low[1] < top or high[0] > right or high[1] > bottom)


def simplified(corners: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
    """Leave out corners that lie within ``tolerance`` of the line without them.

    Source: Douglas and Peucker 1973. Ends and everything that stands out stay.
    """
    keep = np.zeros(len(corners), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(corners) - 1)]
    while spans:
        begin, end = spans.pop()
        if end - begin < 2:
            continue
        along = corners[end] - corners[begin]
        off = corners[begin + 1 : end] - corners[begin]
        # To the stretch between the ends, not to the endless line: a spike may lie in its direction
        share = np.clip(off @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
        away = np.hypot(*(off - share[:, None] * along).T)
        worst = int(away.argmax())
        if away[worst] > tolerance:
            middle = begin + 1 + worst
            keep[middle] = True
            spans += [(begin, middle), (middle, end)]
    return corners[keep]
