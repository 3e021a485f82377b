"""Tables of the ledger and which state may follow which."""

from __future__ import annotations

from typing import Literal

SCHEMA_VERSION = 1

JobState = Literal["waiting", "queued", "running", "finished", "failed", "skipped"]

ALLOWED: dict[str, frozenset[str]] = {
    "waiting": frozenset({"queued", "skipped"}),  # for its parent round
    "queued": frozenset({"running", "skipped"}),
    "running": frozenset({"finished", "failed", "queued", "skipped"}),
    "finished": frozenset(),
    "failed": frozenset({"queued"}),  # only by `reopen`
    "skipped": frozenset({"queued", "waiting"}),  # only by `reopen`
}
"""Job states that may follow each state; nothing follows ``finished``."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE jobs (
    job_id     TEXT PRIMARY KEY,
    idx        INTEGER NOT NULL UNIQUE,
    identity   TEXT NOT NULL,
    spec       TEXT NOT NULL,
    depends_on TEXT REFERENCES jobs(job_id),
    state      TEXT NOT NULL CHECK
               (state IN ('waiting', 'queued', 'running', 'finished', 'failed', 'skipped')),
    reason     TEXT NOT NULL DEFAULT '',
    updated    TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs(state);

CREATE TABLE attempts (
    job_id   TEXT NOT NULL REFERENCES jobs(job_id),
    n        INTEGER NOT NULL CHECK (n >= 1),
    serial   TEXT NOT NULL,
    owner    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('running', 'finished', 'failed', 'lost')),
    step     TEXT NOT NULL DEFAULT '',
    failure  TEXT,
    started  TEXT NOT NULL,
    ended    TEXT,
    PRIMARY KEY (job_id, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_attempt_a_job ON attempts(job_id) WHERE state = 'running';
CREATE UNIQUE INDEX one_attempt_a_phone ON attempts(serial) WHERE state = 'running';

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
"""Version 1. The unique indices say what must never happen: two attempts of a job at once, two on
one phone, two leases on a phone."""
