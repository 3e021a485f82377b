"""What the exits of a network said in the evaluation of an attempt that counts (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.contract.network import Exit
from harness.metrics.exits import Heard
from harness.metrics.words import WordErrors
from harness.report.load import Attempt
from harness.results.store import ExitsRow
from harness.results.wer_interval import Utterance


@dataclass(frozen=True)
class Evaluation:
    """An attempt on a network with exits: where utterances left, in the evaluation that counts."""

    attempt: Attempt
    rows: tuple[ExitsRow, ...]
    """At least one; each left at an exit of the network."""

    @classmethod
    def of(cls, attempt: Attempt) -> Evaluation | None:
        """Return an attempt's evaluation; None where it does not tell of exits.

        It is that of the epoch that is kept, else the last one that is told of.

        Raises:
            StoreError: The file cannot be read.
        """
        names = attempt.network.exit_names
        rows = [row for row in attempt.read_exits() if row.exit in names]
        epochs = {row.epoch for row in rows}
        kept = attempt.result.kept_epoch
        epoch = kept if kept in epochs else max(epochs, default=None)
        own = tuple(row for row in rows if row.epoch == epoch)
        return cls(attempt, own) if own else None

    @property
    def exits(self) -> tuple[Exit, ...]:
        """Of its network, from the shallowest."""
        return self.attempt.network.exits

    @property
    def depths(self) -> tuple[float, ...]:
        """Layers below each exit."""
        return tuple(float(exit_.depth) for exit_ in self.exits)

    @cached_property
    def heard(self) -> tuple[Heard, ...]:
        """Utterances that every exit answered, with text."""
        names = self.attempt.network.exit_names
        return tuple(
            Heard(self._name(row), row.reference, row.answers)
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

    def utterances(self, choose: Callable[[Heard], int], own: Iterable[Heard]) -> list[Utterance]:
        """Return the word errors of utterances that leave at chosen exits."""
        return [_utterance(heard.name, heard.errors[choose(heard)]) for heard in own]

    @cached_property
    def left(self) -> tuple[Utterance, ...]:
        """Word errors of what was heard where utterances left; of those whose text is known."""
        found = []
        for row in self.rows:
            answers = tuple(answer for answer in row.answers if answer.exit == row.exit)
            if answers and answers[0].text is not None:
                (errors,) = Heard(self._name(row), row.reference, answers[:1]).errors
                found.append(_utterance(self._name(row), errors))
        return tuple(found)

    def _name(self, row: ExitsRow) -> str:
        return f"{self.attempt.result.speaker}/{row.id}"


def evaluations_of(attempts: Iterable[Attempt]) -> list[Evaluation]:
    """Return the evaluations of the attempts that tell of exits.

    Raises:
        StoreError: A file cannot be read.
    """
    found = (Evaluation.of(attempt) for attempt in attempts)
    return [evaluation for evaluation in found if evaluation is not None]


def first_answered(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Return the evaluations in which every exit answered; of repeats the first."""
    by_name: dict[str, Evaluation] = {}
    for evaluation in evaluations:
        if evaluation.heard:
            by_name.setdefault(evaluation.name, evaluation)
    return list(by_name.values())


def _utterance(name: str, errors: WordErrors) -> Utterance:
    return Utterance(
        name, errors.substitutions, errors.deletions, errors.insertions, errors.reference_words
    )
