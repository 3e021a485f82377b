"""Word errors by Levenshtein alignment, without other packages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import InputError


@dataclass(frozen=True)
class WordErrors:
    """Counts of one or many utterances; they add up."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_words: int = 0

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer_percent(self) -> float | None:
        """Errors per reference word, in percent; None without a reference word."""
        if self.reference_words == 0:
            return None
        return 100.0 * self.errors / self.reference_words

    @property
    def known_wer_percent(self) -> float:
        """The same, where there must be one.

        Raises:
            InputError: There is no reference word.
        """
        if self.wer_percent is None:
            raise InputError(
                "no word is said in these utterances, so there is no word error rate",
                hint="Leave them out, or give them their transcripts.",
            )
        return self.wer_percent

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_words + other.reference_words,
        )


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """Count the fewest edits that turn the reference's words into the hypothesis's.

    Several alignments may have the fewest edits; their split into kinds can differ, the sum cannot.
    """
    ref, hyp = reference.split(), hypothesis.split()
    # one row of the table at a time: (edits, substitutions, deletions, insertions)
    row = [(j, 0, 0, j) for j in range(len(hyp) + 1)]
    for i, word in enumerate(ref, 1):
        previous, row = row, [(i, 0, i, 0)]
        for j, heard in enumerate(hyp, 1):
            edits, subs, dels, ins = previous[j - 1]
            differs = int(word != heard)
            best = (edits + differs, subs + differs, dels, ins)
            edits, subs, dels, ins = previous[j]
            best = min(best, (edits + 1, subs, dels + 1, ins), key=_edits)
            edits, subs, dels, ins = row[j - 1]
            row.append(min(best, (edits + 1, subs, dels, ins + 1), key=_edits))
    _, subs, dels, ins = row[-1]
    return WordErrors(subs, dels, ins, len(ref))


def _edits(cell: tuple[int, int, int, int]) -> int:
    return cell[0]


def wer_percent(pairs: Iterable[tuple[str, str]]) -> float:
    """Return the word error rate over (reference, hypothesis) pairs, in percent.

    Raises:
        InputError: No reference has a word.
    """
    return sum((word_errors(r, h) for r, h in pairs), WordErrors()).known_wer_percent
