"""The host's own score, by jiwer: what a result's WER is."""

from __future__ import annotations

from collections.abc import Sequence

import jiwer

from harness.metrics.words import WordErrors


def score(pairs: Sequence[tuple[str, str]]) -> WordErrors:
    """Count word errors over (reference, hypothesis) pairs with jiwer.

    Args:
        pairs: Normalised texts.
    """
    # jiwer refuses an empty reference; every word heard there is an insertion
    spoken = [(ref, hyp) for ref, hyp in pairs if ref.split()]
    extra = sum(len(hyp.split()) for ref, hyp in pairs if not ref.split())
    if not spoken:
        return WordErrors(insertions=extra)
    out = jiwer.process_words([ref for ref, _ in spoken], [hyp for _, hyp in spoken])
    return WordErrors(
        substitutions=out.substitutions,
        deletions=out.deletions,
        insertions=out.insertions + extra,
        reference_words=sum(len(ref.split()) for ref, _ in spoken),
    )
