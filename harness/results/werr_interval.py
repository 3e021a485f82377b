"""WERR with its interval: what of a baseline's word errors is gone, by a paired bootstrap (pure).

Baseline and new WER are of the same utterances, and the same ones are drawn for both, of each
speaker as many as there are. Source: as `harness.results.wer_difference`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.metrics.werr import Average, werr_over
from harness.metrics.words import WordErrors
from harness.results.wer_interval import DRAWS, Floats, Utterance, between, totals_of

_SEED: Final = 20_261_130

Heard = tuple[Sequence[Utterance], Sequence[Utterance]]
"""What was heard of a speaker: by the baseline, and by what is compared with it."""


@dataclass(frozen=True)
class Werr:
    """A WERR with the counts that it is of."""

    percent: float | None
    """Below zero where more errors are made than by the baseline; None where there is none: no
    utterance is of both, no word is said, or the baseline made no error."""
    low_percent: float | None
    """None of fewer than two utterances of a speaker, or where all draws are alike."""
    high_percent: float | None
    base: WordErrors
    new: WordErrors
    utterances: int
    """Distinct ones that both are of."""

    @property
    def ends(self) -> tuple[float, float] | None:
        """Between which percents it lies."""
        if self.low_percent is None or self.high_percent is None:
            return None
        return self.low_percent, self.high_percent

    def figures(self) -> dict[str, float | int | None]:
        """Return all of it by names with units, for tables."""
        sides = {
            f"{side}_{name}": value
            for side, errors in (("base", self.base), ("new", self.new))
            for name, value in (
                ("wer_percent", errors.wer_percent),
                ("substitutions", errors.substitutions),
                ("deletions", errors.deletions),
                ("insertions", errors.insertions),
                ("words", errors.reference_words),
            )
        }
        return {
            "werr_percent": self.percent,
            "low_percent": self.low_percent,
            "high_percent": self.high_percent,
            **sides,
            "utterances": self.utterances,
        }

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.ends is not None and (self.ends[0] > 0 or self.ends[1] < 0)


def werr(sets: Iterable[Heard], average: Average = "pooled") -> Werr:
    """Return the WERR over sets of speech.

    Args:
        sets: A speaker each; utterances that only one side has are left aside.
        average: Of the pooled counts, or of each set's own.
    """
    shared = [_shared(base, new) for base, new in sets]
    shared = [(base, new) for base, new in shared if base]
    errors = [(_errors(base), _errors(new)) for base, new in shared]
    pairs = [_pairs(base, new) for base, new in shared]
    percent = werr_over(errors, average)
    ends = None if percent is None else _ends(pairs, average)
    return Werr(
        percent=percent,
        low_percent=None if ends is None else ends[0],
        high_percent=None if ends is None else ends[1],
        base=sum((base for base, _ in errors), WordErrors()),
        new=sum((new for _, new in errors), WordErrors()),
        utterances=sum(map(len, pairs)),
    )


def _shared(base: Sequence[Utterance], new: Sequence[Utterance]) -> Heard:
    names = {utterance.name for utterance in base} & {utterance.name for utterance in new}
    return (
        [utterance for utterance in base if utterance.name in names],
        [utterance for utterance in new if utterance.name in names],
    )


def _errors(utterances: Sequence[Utterance]) -> WordErrors:
    return sum(
        (WordErrors(u.substitutions, u.deletions, u.insertions, u.words) for u in utterances),
        WordErrors(),
    )


def _pairs(base: Sequence[Utterance], new: Sequence[Utterance]) -> Floats:
    """Return errors and words of the baseline, then of the new ones, [utterances, 4]."""
    ours, theirs = totals_of(base), totals_of(new)
    return np.array([(*ours[name], *theirs[name]) for name in sorted(ours)], dtype=np.float64)


def _ends(pairs: Sequence[Floats], average: Average) -> tuple[float, float] | None:
    if any(len(own) < 2 for own in pairs):
        return None  # one utterance says nothing of others
    rng = np.random.default_rng(_SEED)
    # how often each utterance is drawn: a product instead of a copy of every draw
    sums = [
        rng.multinomial(len(own), np.full(len(own), 1 / len(own)), DRAWS) @ own for own in pairs
    ]
    if average == "pooled":
        drawn = _ratios(np.sum(sums, axis=0))
    else:
        drawn = np.mean([_ratios(own) for own in sums], axis=0)
    if not np.isfinite(drawn).any():
        return None
    low, high = between(drawn)
    return (low, high) if low < high else None  # all draws alike, as where nothing was misheard


def _ratios(sums: Floats) -> Floats:
    """Return the WERR of each draw, %, [draws]; NaN where a draw has none."""
    base_errors, base_words, new_errors, new_words = np.where(sums > 0, sums, np.nan).T
    new_errors = np.nan_to_num(new_errors)  # no error is a figure
    return np.asarray(100 * (1 - new_errors / new_words / (base_errors / base_words)))
