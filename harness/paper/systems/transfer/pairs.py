"""The same training from several baselines, paired (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.paper.measure import Source
from harness.report.axes import value_at
from harness.report.load import Attempt
from harness.report.wer import heard_after, heard_before
from harness.results.to_loss import Reached, lowest_loss, reached
from harness.results.werr_interval import Heard

RANDOM: Final = "random"
MULTILINGUAL: Final = "multilingual"
"""Heard French, Spanish and English of the same kind of voices: in domain."""
FAR: Final = "far"
"""The same languages, voices at other rates and pitches: out of domain."""
WITHOUT: Final = "en-it-fr"
"""Heard the languages that the paper's zero-shot encoder has: neither Spanish nor German."""
RECIPES: Final = {
    "A": "nothing transferred",
    "B": "the encoder before MinWER",
    "C": "the encoder before the first training",
    "L": "its lower five layers before the first training",
}
"""What a target language's two trainings begin with, by the paper's letters; L is its future work.
A baseline of one is named ``A-60``: after so many sentences."""


@dataclass(frozen=True)
class Fine:
    """One fine-tuning, from two baselines."""

    speaker: str
    sentences: int
    base: Attempt
    new: Attempt

    @property
    def name(self) -> str:
        """Whose speech, and how much of it."""
        return f"{self.speaker}, {self.sentences} sentences"

    @property
    def language(self) -> str:
        """Its code, as synthetic speakers are named: ``it`` of ``it-female``."""
        return self.speaker.partition("-")[0]

    @property
    def heard(self) -> Heard:
        """What was heard after it, from the one baseline and from the other."""
        return heard_after(self.base), heard_after(self.new)

    @property
    def heard_before(self) -> Heard:
        """What both baselines heard before it."""
        return heard_before(self.base), heard_before(self.new)

    def to_loss(self) -> tuple[float, Reached, Reached | None] | None:
        """Return the lowest loss from the first baseline, and when each came to it.

        Returns:
            None without a loss; the last figure is None where it was not reached.
        """
        goal = lowest_loss(self.base.result)
        first = None if goal is None else reached(self.base.result, goal)
        if goal is None or first is None:
            return None
        return goal, first, reached(self.new.result, goal)


def fine_tunings(source: Source, base: str = RANDOM, new: str = MULTILINGUAL) -> list[Fine]:
    """Return the finished fine-tunings that both baselines have, of repeats the first."""
    return [
        Fine(speaker, sentences, of[base], of[new])
        for (speaker, sentences), of in _by_speech(source).items()
        if base in of and new in of
    ]


def recipes(source: Source, base: str, new: str) -> dict[str, Fine]:
    """Return the pairs of two recipes, by how many sentences a baseline was made from.

    Args:
        source: The run.
        base: A letter of `RECIPES`.
        new: Another.
    """
    names = {str(value_at(attempt, "baseline")) for attempt in source.finished}
    sizes = [name.removeprefix(f"{base}-") for name in names if name.startswith(f"{base}-")]
    pairs = {
        size: fine_tunings(source, f"{base}-{size}", f"{new}-{size}")
        for size in sorted(sizes, key=lambda size: (len(size), size))
    }
    return {f"{size} sentences": found[0] for size, found in pairs.items() if found}


def of_baseline(source: Source, name: str) -> Sequence[Attempt]:
    """Return the finished fine-tunings from a baseline."""
    return [attempt for attempt in source.finished if value_at(attempt, "baseline") == name]


def _by_speech(source: Source) -> dict[tuple[str, int], dict[str, Attempt]]:
    found: dict[tuple[str, int], dict[str, Attempt]] = {}
    for attempt in source.finished:
        sentences = value_at(attempt, "data.train")
        key = (attempt.result.speaker, int(sentences) if isinstance(sentences, int) else 0)
        found.setdefault(key, {}).setdefault(str(value_at(attempt, "baseline")), attempt)
    return found
