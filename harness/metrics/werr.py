"""WERR: by how much a WER fell against that of a baseline, as a share of it (pure).

``(base - new) / base``; a WER that rose has a negative one. Over several sets of speech there are
two figures, and they differ: of the pooled counts, where a set weighs as much as the baseline errs
in it, and the average of each set's own, where all weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal

from harness.metrics.words import WordErrors

Average = Literal["pooled", "mean_of_ratios"]
"""Over several sets: of their pooled counts, or the average of their own."""


def relative_reduction_percent(base: float, new: float) -> float | None:
    """Return by how much ``new`` lies below ``base``, in percent of it.

    Returns:
        Below zero where ``new`` is larger; None where ``base`` is 0, which nothing can be a share
        of.
    """
    return None if base == 0 else 100.0 * (base - new) / base


def werr_percent(base: WordErrors, new: WordErrors) -> float | None:
    """Return the WERR of ``new`` against ``base``, %.

    Returns:
        None where one of them has no words, or the baseline made no error.
    """
    if base.wer_percent is None or new.wer_percent is None:
        return None
    return relative_reduction_percent(base.wer_percent, new.wer_percent)


def werr_over(
    pairs: Iterable[tuple[WordErrors, WordErrors]], average: Average = "pooled"
) -> float | None:
    """Return the WERR over several sets of speech, %.

    Args:
        pairs: Of each set: the baseline's errors, and the new ones.
        average: Of what.

    Returns:
        None where there is no set, or one (with ``pooled``: all together) has none.
    """
    sets: Sequence[tuple[WordErrors, WordErrors]] = list(pairs)
    if average == "pooled":
        return werr_percent(
            sum((base for base, _ in sets), WordErrors()),
            sum((new for _, new in sets), WordErrors()),
        )
    ratios = [werr_percent(base, new) for base, new in sets]
    known = [ratio for ratio in ratios if ratio is not None]
    return fmean(known) if known and len(known) == len(ratios) else None
