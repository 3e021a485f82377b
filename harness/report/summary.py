"""The end of a run on a terminal: one sentence and one table."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.load import Attempt, as_attempts
from harness.report.numbers import fixed, minutes
from harness.report.words import summary_of
from harness.results.model import AttemptResult

COLUMNS = (
    "job",
    "phone",
    "speaker",
    "sub-model",
    "WER before, % >",
    "WER after, % >",
    "epochs >",
    "min/epoch >",
    "peak RSS, MB >",
    "result",
)
"""Columns of `summary_table`; `` >`` marks those to be right-aligned (`harness.cli.console`)."""


def summary_line(results: Iterable[AttemptResult]) -> str:
    """Return what came out, in one sentence."""
    return summary_of(as_attempts(results))


def summary_table(results: Iterable[AttemptResult]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return (columns, rows): one row for the last attempt of each job."""
    return COLUMNS, [_row(attempt) for attempt in as_attempts(results) if attempt.final]


def _row(attempt: Attempt) -> list[str]:
    result = attempt.result
    ended = result.stop_reason or "finished"
    if result.failure is not None:
        ended = result.failure.kind
    if result.attempt > 1:
        ended += f" (attempt {result.attempt})"
    trained = max((epoch.epoch for epoch in result.epochs), default=None)
    return [
        result.job_id,
        f"{result.phone.profile} {result.phone.serial}",
        result.speaker,
        attempt.sub_model.name or "–",
        fixed(result.wer_before_percent, 1),
        fixed(result.wer_after_percent, 1),
        fixed(trained),
        minutes(result.minutes_per_epoch),
        fixed(result.peak_rss_mb),
        ended,
    ]
