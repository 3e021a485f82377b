"""What the exits of a run said, by model and speaker."""

from __future__ import annotations

from harness.paper.measure import Source
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
