"""Where utterances left a network with exits: the rows that are kept, and their figures (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import fmean, median
from typing import Any

from harness.contract.events import UtteranceExits
from harness.contract.exits import ExitRule
from harness.contract.network import Exit
from harness.lab.failures import StepFailed
from harness.metrics.host import score
from harness.metrics.words import WordErrors
from harness.results.model import ExitRecord, ExitsRecord
from harness.results.store import ExitsRow, HypothesisRow


def exit_rows(
    events: Sequence[Any],
    references: Mapping[str, str],
    scored: Mapping[int, tuple[HypothesisRow, ...]],
) -> tuple[ExitsRow, ...]:
    """Return where utterances left, of every evaluated epoch; of an epoch's utterance the last.

    Args:
        events: The event log.
        references: Utterance id -> what was said.
        scored: Epoch -> what was heard, of every epoch that was evaluated to its end.

    Raises:
        StepFailed: ``ScoreMismatch``: an epoch does not tell of each utterance, tells of others, or
            heard something else than the exit that was taken.
    """
    last = {(event.epoch, event.id): event for event in events if isinstance(event, UtteranceExits)}
    rows: list[ExitsRow] = []
    for epoch, heard in scored.items():
        texts = {row.id: row.hypothesis for row in heard}
        told = {name: event for (of, name), event in last.items() if of == epoch}
        if sorted(told) != sorted(references):
            missing, foreign = set(references) - set(told), set(told) - set(references)
            raise StepFailed(
                "ScoreMismatch",
                f"epoch {epoch} tells the exits of {len(told)} of {len(references)} utterances",
                [f"untold: {', '.join(sorted(missing)[:10])}"] * bool(missing)
                + [f"not asked: {', '.join(sorted(foreign)[:10])}"] * bool(foreign),
            )
        rows += [_row(told[name], references[name], texts[name]) for name in references]
    return tuple(rows)


def _row(event: UtteranceExits, reference: str, heard: str) -> ExitsRow:
    row = ExitsRow(reference=reference, **event.model_dump(exclude={"type", "seq", "t_boot_ms"}))
    if row.text is not None and row.text != heard:
        raise StepFailed(
            "ScoreMismatch",
            f"{event.exit} heard something else in {event.id} than epoch {event.epoch} says",
            [f"at the exit: {row.text!r}", f"in the epoch: {heard!r}"],
        )
    return row


def exits_record(
    rule: ExitRule | None, exits: Sequence[Exit], rows: Sequence[ExitsRow], epoch: int | None
) -> ExitsRecord | None:
    """Return the figures of the epoch whose checkpoint counts.

    Args:
        rule: Of the job; None: it has none.
        exits: Of its network, from the shallowest.
        rows: Of all epochs.
        epoch: Which; None: no epoch counts, as with a trainer that was killed: the last one told.
    """
    told = {row.epoch for row in rows}
    if rule is None or not told:
        return None
    epoch = epoch if epoch in told else max(told)
    rows = [row for row in rows if row.epoch == epoch]
    place = {exit_.name: number for number, exit_ in enumerate(exits, 1)}
    depth = {exit_.name: exit_.depth for exit_ in exits}
    return ExitsRecord(
        epoch=epoch,
        rule={"rule": rule.rule} | rule.model_dump(mode="json", exclude_defaults=True),
        utterances=len(rows),
        rows=max(row.rows for row in rows),
        wer_percent=_errors([(row.reference, row.text) for row in rows]).wer_percent,
        mean_depth=fmean(depth[row.exit] for row in rows),
        mean_segments=fmean(place[row.exit] for row in rows),
        mean_seconds=fmean(row.seconds for row in rows),
        mean_rule_seconds=fmean(row.rule_seconds for row in rows),
        by_exit=tuple(_of_exit(exit_, rows) for exit_ in exits),
    )


def _of_exit(exit_: Exit, rows: Sequence[ExitsRow]) -> ExitRecord:
    taken = [row for row in rows if row.exit == exit_.name]
    texts: list[tuple[str, str | None]] = []
    seconds: list[float] = []
    for row in rows:
        spent = accumulate(answer.seconds for answer in row.answers)
        for answer, until in zip(row.answers, spent, strict=True):
            if answer.exit == exit_.name:
                texts.append((row.reference, answer.text))
                seconds.append(until)
    errors = _errors(texts) if texts else None
    return ExitRecord(
        exit=exit_.name,
        depth=exit_.depth,
        taken=len(taken),
        share_percent=100 * len(taken) / len(rows),
        utterances=len(texts),
        wer_percent=None if errors is None else errors.wer_percent,
        substitutions=0 if errors is None else errors.substitutions,
        deletions=0 if errors is None else errors.deletions,
        insertions=0 if errors is None else errors.insertions,
        reference_words=0 if errors is None else errors.reference_words,
        seconds=median(seconds) if seconds else None,
        rule_seconds=median(row.rule_seconds for row in taken) if taken else None,
    )


def _errors(texts: Sequence[tuple[str, str | None]]) -> WordErrors:
    """Return the word errors of (what was said, what was heard)."""
    return score([(reference, text or "") for reference, text in texts])
