"""How sure a word error rate is: its interval, by a bootstrap over utterances (pure).

A WER of few words moves by many points when one utterance more is misheard. The bootstrap asks
what the WER would be of other utterances of the same kind: it draws as many utterances as there
are, with replacement, many times. Utterances are drawn, not words, since the errors of one sentence
belong together; repeats of a training hear the same utterances, so that theirs are drawn together.
Source: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation" (ICASSP 2004).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.results.store import HypothesisRow

Floats = npt.NDArray[np.float64]
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

    @property
    def ends(self) -> tuple[float, float] | None:
        """Between which percents it lies, as a pair."""
        if self.low_percent is None or self.high_percent is None:
            return None
        return self.low_percent, self.high_percent


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
    heard = list(utterances)
    counts = [
        sum(utterance.substitutions for utterance in heard),
        sum(utterance.deletions for utterance in heard),
        sum(utterance.insertions for utterance in heard),
    ]
    pairs = _pairs(heard)
    words = int(pairs[:, 1].sum())
    if not words:
        return None
    telling = len(pairs) > 1 and sum(counts) > 0
    low, high = _percentiles(pairs) if telling else (None, None)
    return WerInterval(low, high, counts[0], counts[1], counts[2], words, len(pairs))


def totals_of(utterances: Iterable[Utterance]) -> Mapping[str, tuple[int, int]]:
    """Return errors and words of each distinct utterance, by name."""
    totals: dict[str, tuple[int, int]] = {}
    for utterance in utterances:
        errors, words = totals.get(utterance.name, (0, 0))
        totals[utterance.name] = (errors + utterance.errors, words + utterance.words)
    return totals


def _pairs(utterances: Iterable[Utterance]) -> Floats:
    """Return errors and words of each distinct utterance, by name, [utterances, 2]."""
    totals = totals_of(utterances)
    return np.array([totals[name] for name in sorted(totals)], dtype=np.float64).reshape(-1, 2)


def mean_wer_interval(speakers: Iterable[Iterable[Utterance]]) -> tuple[float, float] | None:
    """Return the interval of the mean of several speakers' WER, %.

    Each speaker's utterances are drawn for themselves: it is the mean of these speakers, not of
    others of their kind.

    Args:
        speakers: What was heard of each.

    Returns:
        None where the interval of a speaker is not known.
    """
    rates = []
    rng = np.random.default_rng(_SEED)
    for utterances in speakers:
        pairs = _pairs(utterances)
        if len(pairs) < 2 or not pairs[:, 1].any():
            return None
        rates.append(_rates(pairs, rng))
    if not rates:
        return None
    means = np.mean(rates, axis=0)
    return between(means) if np.nanmax(means) > 0 else None


def _percentiles(pairs: Floats) -> tuple[float, float]:
    """Return the interval of the ratio errors / words, [utterances, 2] in."""
    return between(_rates(pairs, np.random.default_rng(_SEED)))


def between(drawn: Floats) -> tuple[float, float]:
    """Return the interval of what was drawn; NaN says nothing."""
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _rates(pairs: Floats, rng: np.random.Generator) -> Floats:
    """Return the ratio of each draw, %, [draws]; NaN where no word was drawn."""
    rates = []
    for draws in blocks(len(pairs)):
        drawn = pairs[rng.integers(0, len(pairs), (draws, len(pairs)))].sum(axis=1)
        # utterances without a word can be all that is drawn; such a draw says nothing
        words = np.where(drawn[:, 1] > 0, drawn[:, 1], np.nan)
        rates.append(100 * drawn[:, 0] / words)
    return np.concatenate(rates)


def blocks(utterances: int) -> Iterator[int]:
    """Yield how many draws of so many utterances are made at a time, `DRAWS` in all."""
    left = DRAWS
    while left:
        draws = max(1, min(left, _BLOCK // utterances))
        yield draws
        left -= draws
