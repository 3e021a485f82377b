"""How sure a word error rate is: its interval, by a bootstrap over utterances (pure).

A WER of few words moves by many points when one utterance more is misheard. The bootstrap asks
what the WER would be of other utterances of the same kind: it draws as many utterances as there
are, with replacement, many times. Utterances are drawn, not words, since the errors of one sentence
belong together; repeats of a training hear the same utterances, so that theirs are drawn together.
Source: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation" (ICASSP 2004).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.results.store import HypothesisRow

LEVEL: Final = 0.95
DRAWS: Final = 2_000
METHOD: Final = "95 % interval (bootstrap over utterances)"
"""What a page calls it."""
_SEED: Final = 20_260_301
_BLOCK: Final = 200_000
"""Utterances drawn at a time, so that a large evaluation does not fill the memory."""


@dataclass(frozen=True)
class Utterance:
    """Word errors of one utterance."""

    name: str
    """The same utterance has the same name in all attempts; speakers do not share names."""
    substitutions: int
    deletions: int
    insertions: int
    words: int
    """Of the reference."""

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True)
class WerInterval:
    """Counts behind a WER, and between which percents it lies."""

    low_percent: float | None
    """None of fewer than two utterances, or without an error: of others nothing can be said."""
    high_percent: float | None
    substitutions: int
    deletions: int
    insertions: int
    words: int
    utterances: int
    """Distinct ones, however often each was heard."""

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low_percent is not None


def utterances_of(rows: Iterable[HypothesisRow], epoch: int, speaker: str) -> tuple[Utterance, ...]:
    """Return what was heard in one evaluation.

    Args:
        rows: Scored hypotheses of an attempt.
        epoch: 0 is before training.
        speaker: Whose utterances they are.
    """
    return tuple(
        Utterance(
            f"{speaker}/{row.id}",
            row.substitutions,
            row.deletions,
            row.insertions,
            row.reference_words,
        )
        for row in rows
        if row.epoch == epoch
    )


def wer_interval(utterances: Iterable[Utterance]) -> WerInterval | None:
    """Return the counts and the interval of a WER; None without a word of reference.

    The same utterances give the same interval, whatever their order.
    """
    totals: dict[str, list[int]] = {}
    counts = [0, 0, 0]
    for utterance in utterances:
        errors_and_words = totals.setdefault(utterance.name, [0, 0])
        errors_and_words[0] += utterance.errors
        errors_and_words[1] += utterance.words
        counts[0] += utterance.substitutions
        counts[1] += utterance.deletions
        counts[2] += utterance.insertions
    pairs = np.array([totals[name] for name in sorted(totals)], dtype=np.float64).reshape(-1, 2)
    words = int(pairs[:, 1].sum())
    if not words:
        return None
    telling = len(pairs) > 1 and sum(counts) > 0
    low, high = _percentiles(pairs) if telling else (None, None)
    return WerInterval(low, high, counts[0], counts[1], counts[2], words, len(pairs))


def _percentiles(pairs: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    """Return the interval of the ratio errors / words, [utterances, 2] in."""
    rng = np.random.default_rng(_SEED)
    rates = []
    left = DRAWS
    while left:
        draws = max(1, min(left, _BLOCK // len(pairs)))
        drawn = pairs[rng.integers(0, len(pairs), (draws, len(pairs)))].sum(axis=1)
        # utterances without a word can be all that is drawn; such a draw says nothing
        said = drawn[drawn[:, 1] > 0]
        rates.append(100 * said[:, 0] / said[:, 1])
        left -= draws
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(np.concatenate(rates), [tail, 100 - tail])
    return float(low), float(high)
