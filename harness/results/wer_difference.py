"""Whether one WER is lower than another, by the utterances that both are of (pure).

Two intervals that overlap say little: most of what moves a WER from one set of utterances to
another moves both. The paired bootstrap draws the same utterances for both and looks at what lies
between them. Source: Bisani and Ney (ICASSP 2004), as `harness.results.wer_interval`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.results.wer_interval import Floats, Utterance, between, blocks, totals_of

_SEED: Final = 20_260_302


@dataclass(frozen=True)
class WerDifference:
    """The second WER less the first, in points, and between what it lies."""

    points: float
    low_points: float
    high_points: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low_points > 0 or self.high_points < 0


def wer_difference(first: Sequence[Utterance], second: Sequence[Utterance]) -> WerDifference | None:
    """Return the second WER less the first over the utterances that both have.

    Returns:
        None where they share fewer than two utterances with words.
    """
    ours, theirs = totals_of(first), totals_of(second)
    names = sorted(ours.keys() & theirs.keys())
    if len(names) < 2:
        return None
    pairs = np.array([(*ours[name], *theirs[name]) for name in names], dtype=np.float64)
    if not pairs[:, 1].sum() or not pairs[:, 3].sum():
        return None
    rng = np.random.default_rng(_SEED)
    drawn = []
    for draws in blocks(len(pairs)):
        # how often each utterance is drawn: a product instead of a copy of every draw
        counts = rng.multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), draws)
        sums = counts @ pairs
        drawn.append(_points(sums[(sums[:, 1] > 0) & (sums[:, 3] > 0)]))
    low, high = between(np.concatenate(drawn))
    (points,) = _points(pairs.sum(axis=0, keepdims=True))
    return WerDifference(float(points), low, high)


def _points(sums: Floats) -> Floats:
    return np.asarray(100 * (sums[:, 2] / sums[:, 3] - sums[:, 0] / sums[:, 1]))
