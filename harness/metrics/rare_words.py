"""Word errors of rare words, and of all others: B-WER and U-WER (pure).

What is rare goes by a list of words in the order of their frequency: outside of the N most frequent
ones (``vocabulary_rank``, as fbai-speech's lists are made), or met at most n times in it
(``max_count``). A substitution or a deletion counts for the class of the word that was said, an
insertion for the class of the word that was heard.

Source: Le et al., "Contextualized Streaming End-to-End Speech Recognition with Trie-Based Deep
Biasing and Shallow Fusion" (Interspeech 2021), and its ``score.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Literal

from harness.metrics.alignment import Costs, Edit, aligned, errors_of
from harness.metrics.words import WordErrors

Listed = Literal["global", "per_utterance"]
"""Which rare words an utterance's errors are told apart by: all of them, or those that are said in
it. They differ in insertions alone: by ``per_utterance`` a rare word that is heard, but belongs to
another utterance, counts as common."""


@dataclass(frozen=True)
class Vocabulary:
    """Words in the order of their frequency, the most frequent first.

    Args:
        words: Each once.
        counts: How often each is met; empty where only the order is known.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...] = ()

    @classmethod
    def counted(cls, texts: Iterable[str]) -> Vocabulary:
        """Count the words of texts; of equal frequency they stand by the alphabet."""
        counts = Counter(word for text in texts for word in text.split())
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(tuple(word for word, _ in ranked), tuple(count for _, count in ranked))

    def outside_of(self, rank: int, said: Iterable[str] = ()) -> frozenset[str]:
        """Return the words that are not among the ``rank`` most frequent.

        Args:
            rank: How many words are common.
            said: Texts whose words are met nowhere else, perhaps: they are rare, then.
        """
        return self._but(self.words[:rank], said)

    def at_most(self, count: int, said: Iterable[str] = ()) -> frozenset[str]:
        """Return the words that are met at most so often.

        Args:
            count: How often.
            said: Texts whose words are met nowhere else, perhaps: they are rare, then.

        Raises:
            ValueError: Only the order of the words is known.
        """
        if not self.counts:
            raise ValueError("the words have no counts")
        pairs = zip(self.words, self.counts, strict=True)
        return self._but((word for word, met in pairs if met > count), said)

    def _but(self, common: Iterable[str], said: Iterable[str]) -> frozenset[str]:
        # what a recogniser makes up, a word of nobody, is no rare word
        known = {word for text in said for word in text.split()}.union(self.words)
        return frozenset(known.difference(common))


@dataclass(frozen=True)
class ByClass:
    """Word errors of rare words and of common ones; they add up."""

    rare: WordErrors = field(default_factory=WordErrors)
    common: WordErrors = field(default_factory=WordErrors)

    @property
    def both(self) -> WordErrors:
        """Of all words."""
        return self.rare + self.common

    def __add__(self, other: ByClass) -> ByClass:
        return ByClass(self.rare + other.rare, self.common + other.common)


def by_class(
    reference: str,
    hypothesis: str,
    rare: Set[str],
    *,
    listed: Listed = "global",
    costs: Costs = "1/1/1",
) -> ByClass:
    """Count the word errors of one utterance, rare and common words apart.

    Args:
        reference: What was said, normalised.
        hypothesis: What was heard.
        rare: Rare words.
        listed: Whether all of them count in this utterance, or those that are said in it.
        costs: Of a substitution, an insertion and a deletion.

    Raises:
        ValueError: There are no such costs.
    """
    counting = rare & set(reference.split()) if listed == "per_utterance" else rare
    apart: dict[bool, list[Edit]] = {True: [], False: []}
    for edit in aligned(reference, hypothesis, costs):
        word = edit.heard if edit.said is None else edit.said
        apart[word in counting].append(edit)
    return ByClass(rare=errors_of(apart[True]), common=errors_of(apart[False]))
