"""Jobs that were skipped, and why: read from the run's ledger, for they have no result."""

from __future__ import annotations

from dataclasses import dataclass

from harness.lab.ledger.ledger import Ledger
from harness.results.store import RunFolder


@dataclass(frozen=True)
class SkippedJob:
    """A task that the lab gave up before it had a result."""

    job_id: str
    reason: str
    """In words, as the ledger has it."""


@dataclass(frozen=True)
class SkippedGroup:
    """Jobs that were skipped for one reason."""

    reason: str
    jobs: tuple[SkippedJob, ...]


def skipped_jobs(folder: RunFolder) -> tuple[SkippedJob, ...]:
    """Return what was skipped, in the order of the ledger; nothing where there is no ledger.

    Raises:
        InputError: The ledger is damaged or of another version.
    """
    if not folder.ledger_path.is_file():
        return ()
    with Ledger.read(folder.ledger_path) as ledger:
        rows = [row for row in ledger.rows("skipped") if not row.is_withdrawn]
    return tuple(SkippedJob(row.task_id, row.reason or "no reason was written") for row in rows)


def skipped_groups(jobs: tuple[SkippedJob, ...]) -> tuple[SkippedGroup, ...]:
    """Return skipped jobs by reason, the commonest first."""
    groups: dict[str, list[SkippedJob]] = {}
    for job in jobs:
        groups.setdefault(job.reason, []).append(job)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return tuple(SkippedGroup(reason, tuple(members)) for reason, members in ordered)


def retry_command(run_id: str) -> str:
    """Return the command that runs failed and skipped jobs again."""
    return f"harness resume {run_id} --retry-failed"
