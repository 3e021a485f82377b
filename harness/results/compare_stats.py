"""Tests of significance for few repeats, without assumptions on their distribution (pure).

One sided throughout: larger is worse. `permutation_p` asks whether tonight's repeats are larger
than those before by more than chance; `nights_p` whether tonight as a whole is, given how whole
nights differ; `tarone` how strict to be when many such questions are asked at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

EXACT_UP_TO: Final = 10_000
"""As many arrangements are counted out; of more, so many are drawn."""
_SEED: Final = 20_260_301
_SLACK: Final = 1e-9
"""Sums of the same numbers in another order may differ by this share."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Repeats that may be exchanged with each other: the same job, or the same settings.

    Args:
        before: Values of the runs before.
        now: Values of the run that is judged.
    """

    before: tuple[float, ...]
    now: tuple[float, ...]

    @property
    def arrangements(self) -> int:
        """In how many ways the values can be told apart into before and now."""
        return math.comb(len(self.before) + len(self.now), len(self.now))

    @property
    def weight(self) -> float:
        """What the block's difference of means weighs: the inverse of its variance."""
        return len(self.before) * len(self.now) / (len(self.before) + len(self.now))


def mean_change(blocks: Sequence[Block]) -> float:
    """Return now less before, over all blocks, each weighed by how much it knows."""
    weights = np.array([block.weight for block in blocks])
    changes = [float(np.mean(block.now) - np.mean(block.before)) for block in blocks]
    return float(weights @ np.array(changes) / weights.sum())


def least_p(blocks: Sequence[Block]) -> float:
    """Return the smallest p that so few repeats can give, whatever their values."""
    arrangements = math.prod(block.arrangements for block in blocks)
    return max(1 / arrangements, 0.0 if arrangements <= EXACT_UP_TO else 1 / (EXACT_UP_TO + 1))


def permutation_p(blocks: Sequence[Block]) -> float:
    """Return how often chance alone makes a change at least as large, within the blocks.

    Exact where the arrangements can be counted out; else drawn from a fixed seed, counting the
    observed one too, so that the p-value is valid either way.
    """
    if not blocks:
        return 1.0
    observed = _statistic(blocks)
    slack = _SLACK * (1 + sum(abs(value) for block in blocks for value in block.now + block.before))
    if math.prod(block.arrangements for block in blocks) <= EXACT_UP_TO:
        totals = np.zeros(1)
        for block in blocks:
            totals = np.add.outer(totals, _every(block)).ravel()
        return float(np.mean(totals >= observed - slack))
    rng = np.random.default_rng(_SEED)
    drawn = np.zeros(EXACT_UP_TO)
    for block in blocks:
        drawn += _drawn(block, rng)
    return float((1 + np.sum(drawn >= observed - slack)) / (EXACT_UP_TO + 1))


def _statistic(blocks: Sequence[Block]) -> float:
    return sum(block.weight * float(np.mean(block.now) - np.mean(block.before)) for block in blocks)


def _scaled(block: Block, sums_now: Array) -> Array:
    """Return the block's share of the statistic for each possible sum of tonight's values."""
    total = sum(block.before) + sum(block.now)
    means = sums_now / len(block.now) - (total - sums_now) / len(block.before)
    return np.asarray(block.weight * means, dtype=np.float64)


def _every(block: Block) -> Array:
    values = block.before + block.now
    sums = [sum(some) for some in itertools.combinations(values, len(block.now))]
    return _scaled(block, np.array(sums))


def _drawn(block: Block, rng: np.random.Generator) -> Array:
    values = np.array(block.before + block.now)
    order = rng.random((EXACT_UP_TO, len(values))).argsort(axis=1)[:, : len(block.now)]
    return _scaled(block, values[order].sum(axis=1))


def nights_p(before: Sequence[float], now: float) -> float:
    """Return how likely one more night of the same kind lies so far above the nights before.

    Student's prediction of one observation from k: t = (now - mean) / (s * sqrt(1 + 1/k)), with
    k - 1 degrees of freedom. Repeats of one night share its temperature, its host's load and its
    updates; only other nights tell how much these matter.

    Raises:
        ValueError: Fewer than two nights before.
    """
    count = len(before)
    if count < 2:
        raise ValueError("how nights differ can't be said from fewer than two")
    spread = float(np.std(before, ddof=1)) * math.sqrt(1 + 1 / count)
    change = now - float(np.mean(before))
    if spread <= _SLACK * (1 + abs(now)):
        return 0.0 if change > _SLACK * (1 + abs(now)) else 1.0
    return student_upper(change / spread, count - 1)


def student_upper(t: float, freedom: int) -> float:
    """Return P(T > t) of Student's distribution, by its angle: t = sqrt(freedom) * tan(angle)."""
    edge = math.atan(t / math.sqrt(freedom))
    return _cosine_area(edge, math.pi / 2, freedom) / _cosine_area(
        -math.pi / 2, math.pi / 2, freedom
    )


def _cosine_area(low: float, high: float, freedom: int) -> float:
    angles = np.linspace(low, high, 4001)
    heights = np.clip(np.cos(angles), 0.0, None) ** (freedom - 1)
    return float(np.sum((heights[1:] + heights[:-1]) / 2) * (angles[1] - angles[0]))


def tarone(least: Sequence[float], alpha: float) -> float:
    """Return the p-value below which each of many tests counts, so that all err at most ``alpha``.

    Bonferroni's ``alpha / m``, where only the tests that could ever reach it are counted in m
    (Tarone 1990, Biometrics 46): one with too few repeats neither speaks nor costs the others.

    Args:
        least: The smallest p that each test can give.
        alpha: Chance of any false alarm that is accepted.
    """
    for count in range(1, len(least) + 1):
        if sum(p <= alpha / count for p in least) <= count:
            return alpha / count
    return alpha / max(1, len(least))
