"""Several corpora that are trained on together, each as often as it is asked for."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.speech import Corpus, Utterance
from harness.speech.text import Accents

_DRAWN = 0x6D6978
"""Part of the seed of what is drawn here, so that nothing else draws the same."""


@dataclass(frozen=True)
class Share:
    """A corpus in a mixture."""

    corpus: Corpus
    weight: float = 1.0
    """How often an utterance is heard in an epoch, on average; from the second epoch on others are
    drawn in each."""


@dataclass(frozen=True)
class Mixture:
    """Corpora that are trained on together."""

    shares: tuple[Share, ...]
    accents: Accents = "kept"
    """Whether their languages' own letters are kept or folded."""

    @staticmethod
    def of(corpus: Corpus) -> Mixture:
        """Return one corpus as a mixture."""
        return Mixture((Share(corpus),))

    @cached_property
    def corpora(self) -> tuple[Corpus, ...]:
        """The corpora as the network is to write them, in order."""
        return tuple(share.corpus.spelled(self.accents) for share in self.shares)

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """All of them, corpus by corpus."""
        return tuple(utterance for corpus in self.corpora for utterance in corpus.utterances)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of all languages."""
        return tuple(sorted({code for corpus in self.corpora for code in corpus.languages}))

    @cached_property
    def sha256(self) -> str:
        """The manifest's of one corpus in plain letters; else a digest of all and their weights."""
        first = self.shares[0]
        alone = len(self.shares) == 1 and first.weight == 1
        if alone and self.corpora[0].utterances == first.corpus.spelled("folded").utterances:
            return first.corpus.sha256
        parts = [[share.corpus.sha256, share.weight] for share in self.shares]
        return hashlib.sha256(json.dumps([self.accents, parts]).encode()).hexdigest()


def rows_of_epoch(
    sizes: Sequence[int], weights: Sequence[float], seed: int, epoch: int
) -> list[int]:
    """Return which rows are heard in an epoch, as often as their corpora's weights say.

    Args:
        sizes: Rows of each corpus; rows are numbered through.
        weights: Of each corpus: 2 is all of it twice, 0.5 a half of it, at least one row.
        seed: Of the training.
        epoch: From 0.
    """
    rows: list[int] = []
    first = 0
    for place, (size, weight) in enumerate(zip(sizes, weights, strict=True)):
        own = range(first, first + size)
        whole = math.floor(weight)
        more = round((weight - whole) * size)
        if whole == 0:
            more = max(1, more)
        rows += [row for row in own for _ in range(whole)]
        rng = np.random.default_rng([seed, epoch, _DRAWN, place])
        rows += sorted(first + int(n) for n in rng.choice(size, more, replace=False))
        first += size
    return rows
