"""The host's own word errors from the trainer's hypotheses, and whether the two agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.contract.events import Epoch, OtherSpeakerHeard, ReadBack
from harness.lab.attempt.outcome import epoch_events, other_events, read_back_event, wer_percent
from harness.lab.failures import StepFailed
from harness.metrics.host import score
from harness.metrics.words import WordErrors
from harness.results.store import HypothesisRow, OtherSpeakerRow

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
        _check_ids(f"epoch {event.epoch}", event, references)
        scored[event.epoch] = tuple(
            _row(event.epoch, heard.id, references[heard.id], heard.text, scorer)
            for heard in event.hypotheses
        )
    return scored


def score_others(
    events: Sequence[Any], references: Mapping[str, Mapping[str, str]], scorer: Scorer
) -> tuple[OtherSpeakerRow, ...]:
    """Score what was heard of other speakers.

    Args:
        events: The event log.
        references: Speaker -> utterance id -> what was said.
        scorer: The host's own scorer.

    Raises:
        StepFailed: ``ScoreMismatch``: somebody was heard whom nobody asked for, or not with one
            hypothesis an utterance.
    """
    rows: list[OtherSpeakerRow] = []
    for event in other_events(events):
        said = references.get(event.speaker)
        if said is None:
            raise StepFailed("ScoreMismatch", f"the trainer heard {event.speaker!r}, unasked")
        _check_ids(f"{event.speaker} in epoch {event.epoch}", event, said)
        for heard in event.hypotheses:
            row = _row(event.epoch, heard.id, said[heard.id], heard.text, scorer)
            rows.append(OtherSpeakerRow(**row.model_dump(), speaker=event.speaker))
    return tuple(rows)


def score_read_back(
    events: Sequence[Any], references: Mapping[str, str], scorer: Scorer
) -> tuple[HypothesisRow, ...]:
    """Score what was heard with the checkpoint that was read back; empty if none was.

    Raises:
        StepFailed: ``ScoreMismatch``: it has not one hypothesis an utterance, or the trainer's WER
            differs by more than ``TOLERANCE_POINTS``.
    """
    event = read_back_event(events)
    if event is None:
        return ()
    what = f"the checkpoint of epoch {event.epoch}, read back,"
    _check_ids(what, event, references)
    rows = tuple(
        _row(event.epoch, heard.id, references[heard.id], heard.text, scorer)
        for heard in event.hypotheses
    )
    _check_pairs([(what, event.wer_percent, wer_percent(rows))])
    return rows


def check_agreement(
    events: Sequence[Any],
    scored: Mapping[int, tuple[HypothesisRow, ...]],
    others: Sequence[OtherSpeakerRow] = (),
) -> None:
    """Compare the trainer's WER with the host's, epoch by epoch and speaker by speaker.

    Raises:
        StepFailed: ``ScoreMismatch``: they differ by more than ``TOLERANCE_POINTS``.
    """
    pairs = [
        (f"epoch {event.epoch}", event.wer_percent, wer_percent(scored[event.epoch]))
        for event in epoch_events(events)
        if event.epoch in scored
    ]
    for event in other_events(events):
        rows = [row for row in others if (row.epoch, row.speaker) == (event.epoch, event.speaker)]
        if rows:
            what = f"epoch {event.epoch}, {event.speaker}"
            pairs.append((what, event.wer_percent, wer_percent(rows)))
    _check_pairs(pairs)


def _check_pairs(pairs: Sequence[tuple[str, float, float]]) -> None:
    """Compare WERs: of what, the trainer's, the host's."""
    apart = [
        f"{what}: trainer {theirs:.4f} %, host {host:.4f} %"
        for what, theirs, host in pairs
        if abs(host - theirs) > TOLERANCE_POINTS
    ]
    if apart:
        raise StepFailed(
            "ScoreMismatch",
            f"trainer and host disagree on the WER of {len(apart)} epoch(s)",
            apart,
        )


def check_counts(events: Sequence[Any], references: Mapping[str, str]) -> None:
    """Check the counts of a trainer that keeps to itself what it heard.

    Args:
        events: The event log.
        references: Utterance id -> what was said.

    Raises:
        StepFailed: ``ScoreMismatch``: it counted other words than were said.
    """
    said = sum(len(text.split()) for text in references.values())
    wrong = [
        f"epoch {event.epoch}: {event.errors.reference_words} words"
        for event in epoch_events(events)
        if event.errors is not None and event.errors.reference_words != said
    ]
    if wrong:
        raise StepFailed(
            "ScoreMismatch",
            f"the trainer counted other words than the {said} that were said",
            wrong,
        )


def _check_ids(
    what: str, event: Epoch | OtherSpeakerHeard | ReadBack, references: Mapping[str, str]
) -> None:
    heard = [hypothesis.id for hypothesis in event.hypotheses]
    if sorted(heard) != sorted(references):
        missing = sorted(set(references) - set(heard))
        foreign = sorted(set(heard) - set(references))
        raise StepFailed(
            "ScoreMismatch",
            f"{what} has hypotheses for {len(heard)} of {len(references)} validation utterances",
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
