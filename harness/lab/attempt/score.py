"""The host's own word errors from the trainer's hypotheses, and whether the two agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.contract.events import Epoch
from harness.lab.attempt.outcome import epoch_events, wer_percent
from harness.lab.failures import StepFailed
from harness.metrics.host import score
from harness.metrics.words import WordErrors
from harness.results.store import HypothesisRow

TOLERANCE_POINTS = 0.01
"""How far the trainer's WER may be from the host's, in percentage points: rounding, no more."""


Scorer = Callable[[str, str], WordErrors]
"""(what was said, what was heard) -> errors."""


def host_scorer(reference: str, hypothesis: str) -> WordErrors:
    """Count the errors of one utterance with jiwer."""
    return score([(reference, hypothesis)])


def score_epochs(
    events: Sequence[Any], references: Mapping[str, str], scorer: Scorer
) -> dict[int, tuple[HypothesisRow, ...]]:
    """Score the hypotheses of every epoch.

    Args:
        events: The event log.
        references: Utterance id -> what was said.
        scorer: The host's own scorer.

    Raises:
        StepFailed: ``ScoreMismatch``: an epoch's hypotheses are not those of the validation
            utterances, one each.
    """
    scored: dict[int, tuple[HypothesisRow, ...]] = {}
    for event in epoch_events(events):
        _check_ids(event, references)
        scored[event.epoch] = tuple(
            _row(event.epoch, heard.id, references[heard.id], heard.text, scorer)
            for heard in event.hypotheses
        )
    return scored


def check_agreement(events: Sequence[Any], scored: Mapping[int, tuple[HypothesisRow, ...]]) -> None:
    """Compare the trainer's WER with the host's, epoch by epoch.

    Raises:
        StepFailed: ``ScoreMismatch``: they differ by more than ``TOLERANCE_POINTS``.
    """
    apart = []
    for event in epoch_events(events):
        if event.epoch in scored:
            host = wer_percent(scored[event.epoch])
            if abs(host - event.wer_percent) > TOLERANCE_POINTS:
                apart.append(
                    f"epoch {event.epoch}: trainer {event.wer_percent:.4f} %, host {host:.4f} %"
                )
    if apart:
        raise StepFailed(
            "ScoreMismatch",
            f"trainer and host disagree on the WER of {len(apart)} epoch(s)",
            apart,
        )


def _check_ids(event: Epoch, references: Mapping[str, str]) -> None:
    heard = [hypothesis.id for hypothesis in event.hypotheses]
    if sorted(heard) != sorted(references):
        missing = sorted(set(references) - set(heard))
        foreign = sorted(set(heard) - set(references))
        raise StepFailed(
            "ScoreMismatch",
            f"epoch {event.epoch} has hypotheses for {len(heard)} of {len(references)} "
            "validation utterances",
            [f"without one: {', '.join(missing[:10])}", f"not asked: {', '.join(foreign[:10])}"],
        )


def _row(epoch: int, name: str, reference: str, hypothesis: str, scorer: Scorer) -> HypothesisRow:
    errors = scorer(reference, hypothesis)
    return HypothesisRow(
        epoch=epoch,
        id=name,
        reference=reference,
        hypothesis=hypothesis,
        substitutions=errors.substitutions,
        deletions=errors.deletions,
        insertions=errors.insertions,
        reference_words=errors.reference_words,
    )
