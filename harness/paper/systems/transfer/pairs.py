"""The same training from random weights and from a multilingual baseline, paired (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.paper.measure import Source
from harness.report.axes import value_at
from harness.report.load import Attempt
from harness.report.wer import heard_after
from harness.results.wer_interval import Utterance

RANDOM: Final = "random"
MULTILINGUAL: Final = "multilingual"
"""The baselines of ``scenarios/paper/transfer.yaml``."""


@dataclass(frozen=True)
class Fine:
    """One fine-tuning, from both baselines."""

    speaker: str
    sentences: int
    random: Attempt
    multilingual: Attempt

    @property
    def name(self) -> str:
        """Whose speech, and how much of it."""
        return f"{self.speaker}, {self.sentences} sentences"

    @property
    def language(self) -> str:
        """Its code, as synthetic speakers are named: ``it`` of ``it-female``."""
        return self.speaker.partition("-")[0]

    @property
    def heard(self) -> tuple[Sequence[Utterance], Sequence[Utterance]]:
        """What was heard after it, from random weights and from the multilingual ones."""
        return heard_after(self.random), heard_after(self.multilingual)

    def epochs_to_loss(self) -> tuple[float, int, int | None] | None:
        """Return the last loss from random weights, and after which epoch each came to it.

        Returns:
            None without a loss; the last figure is None where it was not reached.
        """
        ours = _losses(self.random)
        if not ours:
            return None
        goal = min(loss for _, loss in ours)
        first = next(epoch for epoch, loss in ours if loss <= goal)
        theirs = next((e for e, loss in _losses(self.multilingual) if loss <= goal), None)
        return goal, first, theirs


def _losses(attempt: Attempt) -> list[tuple[int, float]]:
    return [(e.epoch, e.train_loss) for e in attempt.result.epochs if e.train_loss is not None]


def fine_tunings(source: Source) -> list[Fine]:
    """Return the finished fine-tunings that both baselines have, of repeats the first."""
    found: dict[tuple[str, int], dict[str, Attempt]] = {}
    for attempt in source.finished:
        sentences = value_at(attempt, "data.train")
        key = (attempt.result.speaker, int(sentences) if isinstance(sentences, int) else 0)
        found.setdefault(key, {}).setdefault(str(value_at(attempt, "baseline")), attempt)
    return [
        Fine(speaker, sentences, of[RANDOM], of[MULTILINGUAL])
        for (speaker, sentences), of in found.items()
        if RANDOM in of and MULTILINGUAL in of
    ]
