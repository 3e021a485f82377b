"""Character errors by jiwer: for languages whose words are long, and for words nearly right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer


@dataclass(frozen=True)
class CharacterErrors:
    """Counts of one or many utterances; they add up. Spaces between words are characters, too."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_characters: int = 0

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def cer_percent(self) -> float | None:
        """Errors per reference character, in percent; None where nothing was said."""
        if self.reference_characters == 0:
            return None
        return 100.0 * self.errors / self.reference_characters

    def __add__(self, other: CharacterErrors) -> CharacterErrors:
        return CharacterErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_characters + other.reference_characters,
        )


def character_errors(pairs: Sequence[tuple[str, str]]) -> CharacterErrors:
    """Count character errors over (reference, hypothesis) pairs; words stand one space apart."""
    texts = [(" ".join(ref.split()), " ".join(hyp.split())) for ref, hyp in pairs]
    # jiwer refuses an empty reference; every character heard there is an insertion
    spoken = [(ref, hyp) for ref, hyp in texts if ref]
    extra = sum(len(hyp) for ref, hyp in texts if not ref)
    if not spoken:
        return CharacterErrors(insertions=extra)
    out = jiwer.process_characters([ref for ref, _ in spoken], [hyp for _, hyp in spoken])
    return CharacterErrors(
        substitutions=out.substitutions,
        deletions=out.deletions,
        insertions=out.insertions + extra,
        reference_characters=sum(len(ref) for ref, _ in spoken),
    )
