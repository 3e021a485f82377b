"""What the exits of a run said, by model and speaker."""

from __future__ import annotations

from harness.paper.measure import Source
from harness.paper.systems.early_exit.recipes import trained_places, training_of
from harness.report.evaluation import Evaluation, evaluations_of, first_answered
from harness.results.files import StoreError


def evaluations(source: Source) -> list[Evaluation]:
    """Return the finished jobs that told of exits, in the order of the plan.

    Raises:
        StoreError: A file cannot be read, or a line of it.
    """
    for attempt in source.finished:
        for damaged in attempt.damaged_rows():
            raise StoreError(damaged)
    return evaluations_of(source.finished)


def answered(source: Source) -> list[Evaluation]:
    """Return the evaluations in which every exit answered; of repeats the first."""
    return first_answered(evaluations(source))


def trained(evaluation: Evaluation) -> tuple[int, ...]:
    """Return the places of the exits that its model was trained for."""
    return trained_places(evaluation.attempt.result.model_name, len(evaluation.exits))


def whole(evaluation: Evaluation) -> bool:
    """Say whether all exits of its model were trained."""
    return len(trained(evaluation)) == len(evaluation.exits)


def label(evaluation: Evaluation) -> str:
    """Return whose speech, by which training: short enough for a figure."""
    result = evaluation.attempt.result
    return f"{result.speaker}, {training_of(result.model_name)}"
