"""Masks of one matrix [inputs, outputs]: whole and half rows and columns."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.pruning.names import Halves, MatrixPattern
from harness.pruning.scores import Values, lowest

Mask = npt.NDArray[np.bool_]


def unit_scores(scores: Values, pattern: MatrixPattern) -> Values:
    """Return the mean score of each unit.

    Args:
        scores: [inputs, outputs]
        pattern: What a unit is.

    Returns:
        [units]; of half patterns those of the first half (left, or upper), then the others.
    """
    return np.concatenate([scores[part].mean(axis) for part, axis in _parts(scores, pattern)])


def units_of(shape: tuple[int, int], pattern: MatrixPattern) -> int:
    """Return how many units a matrix has, in one half if the pattern has halves."""
    return shape[1] if pattern.endswith("output_unit") else shape[0]


def mask_of(
    scores: Values,
    pattern: MatrixPattern,
    level: float,
    *,
    halves: Halves = "each",
    among: Mask | None = None,
) -> Mask:
    """Return which entries of a matrix are kept.

    Of so many units, the whole part of level times units goes, in each half.

    Args:
        scores: [inputs, outputs]
        pattern: What goes as one.
        level: Share of units that goes.
        halves: How halves are counted.
        among: Only units that it keeps may be kept.
    """
    parts = _parts(scores, pattern)
    if halves == "joint" and len(parts) == 2:
        return _joint(scores, pattern, level)
    mask = np.ones(scores.shape, bool)
    for part, axis in parts:
        means = scores[part].mean(axis)
        before = None if among is None else np.flatnonzero(among[part].any(axis)).tolist()
        _cut(mask[part], axis, lowest(means, count_of(level, len(means)), before))
    return mask


def count_of(level: float, units: int) -> int:
    """Return how many of so many units go: the whole part, but not less for want of a last bit."""
    return math.floor(level * units + 1e-9)


def _joint(scores: Values, pattern: MatrixPattern, level: float) -> Mask:
    mask = np.ones(scores.shape, bool)
    means = unit_scores(scores, pattern)
    gone, first = lowest(means, count_of(level, len(means))), 0
    for part, axis in _parts(scores, pattern):
        units = scores[part].shape[1 - axis]
        _cut(mask[part], axis, [unit - first for unit in gone if 0 <= unit - first < units])
        first += units
    return mask


def _cut(mask: Mask, axis: int, gone: Collection[int]) -> None:
    """Take units out of a mask; ``axis`` is that along which a unit lies."""
    mask[(list(gone), slice(None)) if axis == 1 else (slice(None), list(gone))] = False


def _parts(
    scores: Values, pattern: MatrixPattern
) -> list[tuple[tuple[slice, slice], Literal[0, 1]]]:
    """Return the parts of a matrix in which units are counted, and along which axis a unit lies."""
    whole, (inputs, outputs) = slice(None), scores.shape
    if pattern == "input_unit":
        return [((whole, whole), 1)]
    if pattern == "output_unit":
        return [((whole, whole), 0)]
    if pattern == "half_input_unit":
        middle = outputs // 2
        if not middle:  # a single column has no halves
            return [((whole, whole), 1)]
        return [((whole, slice(0, middle)), 1), ((whole, slice(middle, None)), 1)]
    middle = inputs // 2
    if not middle:
        return [((whole, whole), 0)]
    return [((slice(0, middle), whole), 0), ((slice(middle, None), whole), 0)]
