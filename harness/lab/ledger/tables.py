"""Tables of the ledger, what it gives back of them, and which state may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 2

TaskState = Literal["waiting", "queued", "running", "finished", "failed", "skipped"]

OPEN: tuple[TaskState, ...] = ("waiting", "queued", "running")
"""States of tasks that have no outcome yet."""

ALLOWED: dict[str, frozenset[str]] = {
    "waiting": frozenset({"queued", "skipped"}),  # for its parents
    "queued": frozenset({"running", "skipped"}),
    "running": frozenset({"finished", "failed", "queued", "skipped"}),
    "finished": frozenset(),
    "failed": frozenset({"queued"}),  # only by `reopen`
    "skipped": frozenset({"queued", "waiting"}),  # only by `reopen`
}
"""States of a task that may follow each state; nothing follows ``finished``."""


WITHDRAWN = "withdrawn: "
"""How the reason of a skipped task begins that its program wants no more."""


@dataclass(frozen=True)
class TaskRow:
    """A task and where it stands."""

    task_id: str
    index: int
    kind: Literal["phone", "host"]
    identity: str
    state: TaskState
    reason: str
    updated_utc: str

    @property
    def is_withdrawn(self) -> bool:
        """Whether the program that added it wants it no more; its last attempt may still end."""
        return self.state == "skipped" and self.reason.startswith(WITHDRAWN)

    @property
    def standing(self) -> str:
        """Its state, or ``withdrawn``: for whoever counts, that is neither done nor a fault."""
        return "withdrawn" if self.is_withdrawn else self.state


@dataclass(frozen=True)
class AttemptRow:
    """An attempt and where it stands."""

    task_id: str
    attempt: int
    serial: str
    """The phone; empty for a task on the host."""
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


TASK_TABLES = """
CREATE TABLE tasks (
    task_id  TEXT PRIMARY KEY,
    idx      INTEGER NOT NULL UNIQUE,
    kind     TEXT NOT NULL CHECK (kind IN ('phone', 'host')),
    identity TEXT NOT NULL,
    work     TEXT NOT NULL,
    place    TEXT NOT NULL CHECK (place IN ('any', 'same-as-parent', 'each')),
    beside   TEXT,
    enough   INTEGER,
    after_s  REAL,
    state    TEXT NOT NULL CHECK
             (state IN ('waiting', 'queued', 'running', 'finished', 'failed', 'skipped')),
    reason   TEXT NOT NULL DEFAULT '',
    updated  TEXT NOT NULL
);
CREATE INDEX tasks_by_state ON tasks(state);

CREATE TABLE parents (
    task_id   TEXT NOT NULL REFERENCES tasks(task_id),
    place     INTEGER NOT NULL,
    parent_id TEXT NOT NULL REFERENCES tasks(task_id),
    counted   INTEGER,
    PRIMARY KEY (task_id, place)
) WITHOUT ROWID;

CREATE TABLE attempts (
    task_id  TEXT NOT NULL REFERENCES tasks(task_id),
    n        INTEGER NOT NULL CHECK (n >= 1),
    serial   TEXT NOT NULL,
    owner    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed', 'lost')),
    step     TEXT NOT NULL DEFAULT '',
    failure  TEXT,
    started  TEXT NOT NULL,
    ended    TEXT,
    PRIMARY KEY (task_id, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_attempt_a_task ON attempts(task_id) WHERE state = 'running';
CREATE UNIQUE INDEX one_attempt_a_phone ON attempts(serial)
    WHERE state = 'running' AND serial <> '';
"""
"""``parents.counted``: 1 for a parent that the task started with, 0 for one that came too late or
failed, NULL while it waits. ``enough`` and ``after_s`` are the quorum."""

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
{TASK_TABLES}
CREATE TABLE leases (
    id         INTEGER PRIMARY KEY,
    serial     TEXT NOT NULL,
    adb_server TEXT NOT NULL,
    adb_serial TEXT NOT NULL,
    work_dir   TEXT NOT NULL,
    owner      TEXT NOT NULL,
    acquired   TEXT NOT NULL,
    heartbeat  TEXT NOT NULL,
    released   TEXT
);
CREATE UNIQUE INDEX one_lease_a_phone ON leases(serial) WHERE released IS NULL;

CREATE TABLE changes (
    id    INTEGER PRIMARY KEY,
    utc   TEXT NOT NULL,
    what  TEXT NOT NULL,
    key   TEXT NOT NULL,
    old   TEXT NOT NULL,
    new   TEXT NOT NULL,
    note  TEXT NOT NULL DEFAULT ''
);
"""
"""The unique indices say what must never happen: two attempts of a task at once, two on one phone,
two leases on a phone."""

FROM_VERSION_1 = f"""
DROP INDEX one_attempt_a_job;
DROP INDEX one_attempt_a_phone;
ALTER TABLE attempts RENAME TO attempts_1;
{TASK_TABLES}
INSERT INTO tasks
    SELECT job_id, idx, 'phone', identity, json_remove(spec, '$.depends_on'),
           CASE WHEN depends_on IS NULL THEN 'any' ELSE 'same-as-parent' END, depends_on,
           NULL, NULL, state, reason, updated
    FROM jobs;
INSERT INTO parents
    SELECT job.job_id, 0, job.depends_on,
           CASE WHEN job.state <> 'waiting' AND parent.state = 'finished' THEN 1 END
    FROM jobs AS job JOIN jobs AS parent ON parent.job_id = job.depends_on;
INSERT INTO attempts SELECT * FROM attempts_1;
UPDATE changes SET what = 'task' WHERE what = 'job';
DROP TABLE attempts_1;
DROP TABLE jobs;
UPDATE meta SET value = '2' WHERE key = 'schema_version';
"""  # noqa: S608 - put together from texts of this file
"""Makes a ledger of version 2 of one of version 1, in which each job had at most one parent."""
