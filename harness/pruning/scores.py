"""What units are ranked by, and which of them go."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.pruning.names import Score

Values = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
MOMENTUM: Final = 0.9
"""Share of what was remembered; not published."""
_DIGITS: Final = 12


def moved(momentum: Values, change: Values) -> Values:
    """Return the momentum after a round: 0.9 m + 0.1 |change|, from m = 0."""
    return MOMENTUM * momentum + (1 - MOMENTUM) * np.abs(change)


def entry_scores(weight: npt.NDArray[np.floating], momentum: Values | None, score: Score) -> Values:
    """Return the score of every entry of a variable.

    Args:
        weight: The variable.
        momentum: Of its entries; None: nothing has been trained yet, and |w| counts.
        score: Which.
    """
    size = np.abs(np.asarray(weight, np.float64))
    if momentum is None or score == "weight":
        return size
    return momentum if score == "momentum" else size * momentum


def lowest(
    scores: npt.NDArray[np.floating], count: int, among: Collection[int] | None = None
) -> list[int]:
    """Return which units go, in their order: those of the lowest scores, the earlier of equals.

    Args:
        scores: [units]
        count: How many go.
        among: Only these may stay: the others go first, whatever their score.
    """
    # sums in another order differ in their last digits, and equals must stay equals
    top = float(np.max(np.abs(scores), initial=0.0)) or 1.0
    ranked = np.round(np.asarray(scores, np.float64) / top, _DIGITS)
    if among is not None:
        gone = np.ones(len(ranked), bool)
        gone[list(among)] = False
        ranked[gone] = -1.0
    return sorted(np.argsort(ranked, kind="stable")[:count].tolist())


def kept_units(
    scores: npt.NDArray[np.floating], keep: int, among: Collection[int] | None = None
) -> list[int]:
    """Return which units stay; see `lowest`.

    Args:
        scores: [units]
        keep: How many stay; of ``among`` no more than there are.
        among: Only these may stay.
    """
    most = len(scores) if among is None else len(among)
    gone = set(lowest(scores, len(scores) - min(keep, most), among))
    return [unit for unit in range(len(scores)) if unit not in gone]
