"""What the ledger gives back."""

from __future__ import annotations

from dataclasses import dataclass

from harness.lab.ledger_schema import JobState


@dataclass(frozen=True)
class JobRow:
    """A job and where it stands."""

    job_id: str
    index: int
    identity: str
    depends_on: str | None
    state: JobState
    reason: str
    updated_utc: str


@dataclass(frozen=True)
class AttemptRow:
    """An attempt and where it stands."""

    job_id: str
    attempt: int
    serial: str
    owner: str
    state: str
    """``running``, ``finished``, ``failed``, or ``lost`` (its host died)."""
    step: str
    failure: str | None
    started_utc: str
    ended_utc: str | None


@dataclass(frozen=True)
class LeaseRow:
    """A phone held by this run."""

    serial: str
    adb_server: str
    adb_serial: str
    work_dir: str
    owner: str
    acquired_utc: str
    heartbeat_utc: str


@dataclass(frozen=True)
class Change:
    """One line of the ledger's history."""

    id: int
    utc: str
    what: str
    key: str
    old: str
    new: str
    note: str
