"""Sentences of a language from a few lists of words."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.speech.sentences import Split, split_of

LONGEST = 78
"""Characters: the small networks write 80 at most."""

Slots = tuple[tuple[str, ...], ...]
"""What can stand at each place of a sentence; an empty word leaves the place out."""


@dataclass(frozen=True)
class Grammar:
    """Ways to make a sentence, each as likely as the others.

    Attributes:
        patterns: Each a row of places, each place a choice of words.
    """

    patterns: tuple[Slots, ...]

    @property
    def words(self) -> frozenset[str]:
        """All words that it has."""
        choices = (text for slots in self.patterns for choice in slots for text in choice)
        return frozenset(word for text in choices for word in text.split())

    def sentences(self, split: Split, seed: int) -> Iterator[str]:
        """Yield sentences of one half without end, never the same one twice.

        Args:
            split: Which half; a sentence belongs to it for ever.
            seed: The same seed gives the same sequence.
        """
        rng = random.Random(f"grammar:{split}:{seed}")
        seen: set[str] = set()
        while True:
            slots = rng.choice(self.patterns)
            sentence = " ".join(filter(None, (rng.choice(choice) for choice in slots)))
            if len(sentence) > LONGEST or sentence in seen or split_of(sentence) != split:
                continue
            seen.add(sentence)
            yield sentence
