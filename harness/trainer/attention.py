"""Greedy writing with an attention decoder, a label at a time (pure)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Step = Callable[[npt.NDArray[np.int32], int], npt.NDArray[np.float32]]
"""From the last label of each row [rows], and where in the text it stands, to log probabilities of
the next [rows, outputs]; the decoder keeps what it needs of earlier labels."""


def write_greedily(step: Step, rows: int, batch_size: int, end: int, most: int) -> list[list[int]]:
    """Return the labels that a decoder writes for each row: the likeliest, one after another.

    Args:
        step: Of the decoder.
        rows: How many texts are written side by side, the first rows of a batch.
        batch_size: Rows that a step takes.
        end: Output that begins a text and ends it.
        most: Labels of the longest text.
    """
    written: list[list[int]] = [[] for _ in range(rows)]
    going = np.arange(batch_size) < rows
    token = np.full(batch_size, end, np.int32)
    for position in range(most):
        token = np.argmax(step(token, position), axis=1).astype(np.int32)
        going &= token != end
        if not going.any():
            break
        for row in np.flatnonzero(going):
            written[row].append(int(token[row]))
    return written
