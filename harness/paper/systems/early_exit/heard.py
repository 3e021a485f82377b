"""What the exits of a run said, by model and speaker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.contract.network import Exit
from harness.metrics.exits import Heard
from harness.paper.measure import Source
from harness.paper.systems.early_exit.recipes import trained_places
from harness.report.load import Attempt
from harness.results.store import ExitsRow, RunFolder
from harness.results.wer_interval import Utterance


@dataclass(frozen=True)
class Evaluation:
    """An attempt on a network with exits: where utterances left, in the evaluation that counts."""

    attempt: Attempt
    rows: tuple[ExitsRow, ...]

    @property
    def exits(self) -> tuple[Exit, ...]:
        """Of its network, from the shallowest."""
        return self.attempt.network.exits

    @property
    def depths(self) -> tuple[float, ...]:
        """Layers below each exit."""
        return tuple(float(exit_.depth) for exit_ in self.exits)

    @property
    def trained(self) -> tuple[int, ...]:
        """Places of the exits that were trained."""
        return trained_places(self.attempt.result.model_name, len(self.exits))

    @property
    def whole(self) -> bool:
        """Whether all its exits were trained."""
        return len(self.trained) == len(self.exits)

    @cached_property
    def heard(self) -> tuple[Heard, ...]:
        """Utterances that every exit answered, with text."""
        names = self.attempt.network.exit_names
        speaker = self.attempt.result.speaker
        return tuple(
            Heard(f"{speaker}/{row.id}", row.reference, row.answers)
            for row in self.rows
            if tuple(answer.exit for answer in row.answers) == names
            and all(answer.text is not None for answer in row.answers)
        )

    @property
    def name(self) -> str:
        """Whose speech, by which model."""
        return f"{self.attempt.result.speaker}, {self.attempt.result.model_name}"

    def has(self, rule: str) -> bool:
        """Whether every answer has what a rule goes by: ``entropy`` or ``posterior``."""
        answers = [answer for heard in self.heard for answer in heard.answers]
        return bool(answers) and all(getattr(answer, rule) is not None for answer in answers)

    def utterances(self, choose: Callable[[Heard], int], own: Sequence[Heard]) -> list[Utterance]:
        """Return the word errors of utterances that leave at chosen exits."""
        return [
            Utterance(
                heard.name,
                errors.substitutions,
                errors.deletions,
                errors.insertions,
                errors.reference_words,
            )
            for heard in own
            for errors in (heard.errors[choose(heard)],)
        ]


def evaluations(source: Source) -> list[Evaluation]:
    """Return the finished jobs that told of exits, in the order of the plan.

    Raises:
        StoreError: A file cannot be read.
    """
    found = []
    for attempt in source.finished:
        rows = _rows(source, attempt)
        if rows and attempt.network.exits:
            found.append(Evaluation(attempt, rows))
    return found


def _rows(source: Source, attempt: Attempt) -> tuple[ExitsRow, ...]:
    if source.data.path is None:
        return ()
    folder = RunFolder.open(source.data.path)
    rows = folder.attempt(attempt.result.job_id, attempt.result.attempt).exits()
    epochs = {row.epoch for row in rows}
    kept = attempt.result.kept_epoch
    epoch: Any = kept if kept in epochs else max(epochs, default=None)
    return tuple(row for row in rows if row.epoch == epoch)


def answered(source: Source) -> list[Evaluation]:
    """Return the evaluations in which every exit answered; of repeats the first."""
    by_name: dict[str, Evaluation] = {}
    for evaluation in evaluations(source):
        if evaluation.heard:
            by_name.setdefault(evaluation.name, evaluation)
    return list(by_name.values())
