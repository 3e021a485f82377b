"""What went wrong: failures by kind with their evidence, kills, and what was tried again (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.load import Attempt
from harness.report.numbers import fixed
from harness.results.model import FailureKind, FailureRecord, KillRecord


@dataclass(frozen=True)
class Failure:
    """One failed attempt."""

    attempt: Attempt
    record: FailureRecord
    then: str
    """What followed: a retry and where, or nothing."""
    last: tuple[str, ...]
    """The last that was known of it, in words."""
    mended: bool = False
    """Whether a later attempt of its job finished."""


@dataclass(frozen=True)
class FailureGroup:
    """Failures of one kind."""

    kind: FailureKind
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Kill:
    """A process that a phone killed in an attempt."""

    attempt: Attempt
    record: KillRecord


def failure_groups(attempts: Sequence[Attempt]) -> tuple[FailureGroup, ...]:
    """Return failed attempts by kind, the commonest first."""
    by_job: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        by_job.setdefault((attempt.result.run_id, attempt.result.job_id), []).append(attempt)
    groups: dict[FailureKind, list[Failure]] = {}
    for attempt in attempts:
        record = attempt.result.failure
        if record is not None:
            tries = by_job[attempt.result.run_id, attempt.result.job_id]
            later = [other for other in tries if other.result.attempt > attempt.result.attempt]
            failure = Failure(
                attempt,
                record,
                _then(attempt, later),
                _last(attempt),
                any(following.finished for following in later),
            )
            groups.setdefault(record.kind, []).append(failure)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(FailureGroup(kind, tuple(failures)) for kind, failures in ordered)


def _then(attempt: Attempt, later: Sequence[Attempt]) -> str:
    if not later:
        return "Not tried again."
    following = min(later, key=lambda later_attempt: later_attempt.result.attempt).result
    same = following.phone.serial == attempt.result.phone.serial
    where = "the same phone" if same else f"{following.phone.profile} {following.phone.serial}"
    ended = "finished" if following.status == "finished" else "failed too"
    return f"Tried again on {where} (attempt {following.attempt}), which {ended}."


def _last(attempt: Attempt) -> tuple[str, ...]:
    result = attempt.result
    sentences = []
    if result.phases:
        phase = result.phases[-1]
        epoch = "" if phase.epoch is None else f", epoch {phase.epoch}"
        sentences.append(f"Last phase: {phase.phase}{epoch}, at {fixed(phase.begin_s)} s.")
    if result.epochs:
        last = result.epochs[-1]
        sentences.append(f"Last WER: {fixed(last.wer_percent, 1)} % at epoch {last.epoch}.")
    if result.peak_rss_mb is not None:
        sentences.append(f"Peak RSS: {fixed(result.peak_rss_mb)} MB.")
    return tuple(sentences)


def kills(attempts: Sequence[Attempt]) -> tuple[Kill, ...]:
    """Return every process that a phone killed."""
    return tuple(
        Kill(attempt, record)
        for attempt in attempts
        if attempt.result.pressure is not None
        for record in attempt.result.pressure.kills
    )
