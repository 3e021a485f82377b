"""The ledger (sqlite): the only truth about a run's progress, whole after a crash at any moment.

Every change of a state is one transaction that also writes a row of ``changes``. Write-ahead log
with full sync: what `Ledger` has returned from survives a power cut; readers (``status``) never
block the writer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from harness.errors import HarnessError, InputError
from harness.lab.clock import Clock, SystemClock
from harness.lab.ledger_rows import AttemptRow, Change, JobRow, LeaseRow
from harness.lab.ledger_schema import ALLOWED, SCHEMA_VERSION, TABLES, JobState
from harness.results.files import DiskFullError
from harness.scenario.spec import JobSpec

BUSY_TIMEOUT_S = 30.0


class LedgerError(HarnessError):
    """The ledger refuses a change that would contradict what it holds, or cannot be used."""


class Ledger:
    """An open ledger; may be used by several threads.

    Use `create` for a new run and `open` for an existing one, then `close`.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._db = connection
        self._lock = threading.RLock()
        self._clock = clock
        self.path = path

    # -- life -----------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, jobs: Sequence[JobSpec], clock: Clock | None = None) -> Ledger:
        """Make a ledger of all jobs: ``waiting`` where they depend on another, else ``queued``.

        Raises:
            LedgerError: The file exists or cannot be made.
        """
        if path.exists():
            raise LedgerError(f"{path}: there is a ledger already")
        ledger = cls(_connect(path), path, clock or SystemClock())
        with ledger._change() as db:
            for statement in TABLES.split(";\n"):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
            now = ledger._clock.utc()
            db.executemany(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, '', ?)",
                [
                    (
                        job.job_id,
                        job.index,
                        job.identity,
                        job.model_dump_json(),
                        job.depends_on,
                        "waiting" if job.depends_on else "queued",
                        now,
                    )
                    for job in sorted(jobs, key=lambda job: job.index)
                ],
            )
        return ledger

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> Ledger:
        """Open an existing ledger.

        Raises:
            InputError: There is none, it is of another version, or the file is damaged.
        """
        if not path.is_file():
            raise InputError("no ledger here", where=str(path), hint="Is this a run folder?")
        try:
            connection = _connect(path)
        except LedgerError as error:
            raise InputError(str(error), where=str(path)) from error
        ledger = cls(connection, path, clock or SystemClock())
        try:
            rows = ledger._db.execute("SELECT value FROM meta WHERE key = 'schema_version'")
            version = rows.fetchone()
        except sqlite3.DatabaseError as error:
            ledger.close()
            raise InputError(f"not a readable ledger: {error}", where=str(path)) from error
        if version is None or version[0] != str(SCHEMA_VERSION):
            ledger.close()
            raise InputError(
                f"the ledger is of version {version and version[0]}, this program reads "
                f"{SCHEMA_VERSION}",
                where=str(path),
                hint="Use the version of the harness that made the run.",
            )
        return ledger

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def in_batch(self) -> bool:
        """Whether changes wait for the end of a `batch`."""
        return self._db.in_transaction

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make all changes inside one transaction: one wait for the disk, all of them or none.

        Raises:
            LedgerError: Nothing of the batch was kept.
        """
        with self._change():
            yield

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._db.in_transaction:  # inside a batch of this thread: it commits
                yield self._db
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                if "disk is full" in str(error):
                    raise DiskFullError(
                        f"{self.path}: the disk is full. Make room and resume."
                    ) from (error)
                raise LedgerError(f"{self.path}: {error}") from error
            except BaseException:
                self._rollback()
                raise

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _note(self, what: str, key: str, old: str, new: str, note: str = "") -> None:
        self._db.execute(
            "INSERT INTO changes (utc, what, key, old, new, note) VALUES (?, ?, ?, ?, ?, ?)",
            (self._clock.utc(), what, key, old, new, note),
        )

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    # -- jobs -----------------------------------------------------------------------------------

    def jobs(self, *states: JobState) -> list[JobRow]:
        """Return jobs in their order, all or those in ``states``."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        rows = self._rows(
            "SELECT job_id, idx, identity, depends_on, state, reason, updated "  # noqa: S608
            f"FROM jobs {where} ORDER BY idx",
            states,
        )
        return [JobRow(*row) for row in rows]

    def job(self, job_id: str) -> JobRow:
        """Return one job.

        Raises:
            LedgerError: There is no such job.
        """
        rows = self._rows(
            "SELECT job_id, idx, identity, depends_on, state, reason, updated "
            "FROM jobs WHERE job_id = ?",
            (job_id,),
        )
        if not rows:
            raise LedgerError(f"{self.path}: no job {job_id}")
        return JobRow(*rows[0])

    def specs(self) -> list[JobSpec]:
        """Return all jobs as they were planned, in order."""
        rows = self._rows("SELECT spec FROM jobs ORDER BY idx")
        return [JobSpec.model_validate_json(row[0]) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        return dict(
            cast("list[tuple[str, int]]", self._rows("SELECT state, COUNT(*) FROM jobs GROUP BY 1"))
        )

    def set_state(self, job_id: str, state: JobState, reason: str = "") -> None:
        """Move a job to ``state``; moving it where it is changes nothing.

        Raises:
            LedgerError: ``state`` may not follow the job's present one.
        """
        with self._change():
            self._move(job_id, state, reason)

    def _move(self, job_id: str, state: str, reason: str) -> None:
        old = self.job(job_id).state
        if old == state:
            return
        if state not in ALLOWED[old]:
            raise LedgerError(f"{self.path}: job {job_id} is {old} and cannot become {state}")
        self._db.execute(
            "UPDATE jobs SET state = ?, reason = ?, updated = ? WHERE job_id = ?",
            (state, reason, self._clock.utc(), job_id),
        )
        self._note("job", job_id, old, state, reason)

    # -- attempts -------------------------------------------------------------------------------

    def start_attempt(self, job_id: str, serial: str, owner: str) -> int:
        """Start the next attempt of a queued job on a phone; return its number.

        Raises:
            LedgerError: The job is not queued, or the phone has an attempt running.
        """
        with self._change() as db:
            self._move(job_id, "running", f"on {serial}")
            last = db.execute(
                "SELECT COALESCE(MAX(n), 0) FROM attempts WHERE job_id = ?", (job_id,)
            ).fetchone()
            number = int(last[0]) + 1
            db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, 'running', '', NULL, ?, NULL)",
                (job_id, number, serial, owner, self._clock.utc()),
            )
            self._note("attempt", f"{job_id}/{number}", "", "running", serial)
        return number

    def attempt_step(self, job_id: str, attempt: int, step: str) -> None:
        """Record which step a running attempt has reached."""
        with self._change() as db:
            db.execute(
                "UPDATE attempts SET step = ? WHERE job_id = ? AND n = ? AND state = 'running'",
                (step, job_id, attempt),
            )

    def adopt_attempt(self, job_id: str, attempt: int, owner: str) -> None:
        """Record that ``owner`` goes on with a running attempt whose host died.

        Raises:
            LedgerError: The attempt is not running.
        """
        with self._change() as db:
            changed = db.execute(
                "UPDATE attempts SET owner = ? WHERE job_id = ? AND n = ? AND state = 'running'",
                (owner, job_id, attempt),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"{self.path}: attempt {job_id}/{attempt} is not running")
            self._note("attempt", f"{job_id}/{attempt}", "running", "running", "rejoined")

    def end_attempt(
        self,
        job_id: str,
        attempt: int,
        *,
        state: str,
        failure: str | None,
        job_state: JobState,
        reason: str = "",
    ) -> None:
        """End a running attempt and move its job on, in one transaction.

        Args:
            job_id: The job.
            attempt: Its running attempt.
            state: ``finished``, ``failed`` or ``lost``.
            failure: Kind of failure, or None.
            job_state: ``finished``, ``failed``, ``skipped``, or ``queued`` for another attempt.
            reason: For the history.

        Raises:
            LedgerError: The attempt is not running.
        """
        with self._change() as db:
            changed = db.execute(
                "UPDATE attempts SET state = ?, failure = ?, ended = ? "
                "WHERE job_id = ? AND n = ? AND state = 'running'",
                (state, failure, self._clock.utc(), job_id, attempt),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"{self.path}: attempt {job_id}/{attempt} is not running")
            self._note("attempt", f"{job_id}/{attempt}", "running", state, failure or "")
            self._move(job_id, job_state, reason)

    def attempts(self, job_id: str | None = None, state: str | None = None) -> list[AttemptRow]:
        """Return attempts by job order and number, all or of one job, all or in one state."""
        asked = [("a.job_id", job_id), ("a.state", state)]
        wanted = [(column, value) for column, value in asked if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in wanted) or "TRUE"
        rows = self._rows(
            "SELECT a.job_id, n, serial, owner, a.state, step, failure, started, ended "  # noqa: S608
            f"FROM attempts a JOIN jobs j USING (job_id) WHERE {where} ORDER BY idx, n",
            [value for _, value in wanted],
        )
        return [AttemptRow(*row) for row in rows]

    # -- leases ---------------------------------------------------------------------------------

    def lease(
        self, serial: str, *, adb_server: str, adb_serial: str, work_dir: str, owner: str
    ) -> None:
        """Record that ``owner`` holds a phone; recording it again changes nothing.

        Raises:
            LedgerError: Another owner holds it.
        """
        with self._change() as db:
            holding = "SELECT 1 FROM leases WHERE serial = ? AND owner = ? AND released IS NULL"
            if db.execute(holding, (serial, owner)).fetchone():
                return
            now = self._clock.utc()
            db.execute(
                "INSERT INTO leases (serial, adb_server, adb_serial, work_dir, owner, acquired,"
                " heartbeat) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (serial, adb_server, adb_serial, work_dir, owner, now, now),
            )
            self._note("lease", serial, "", "held", owner)

    def heartbeat(self, owner: str) -> None:
        """Record that ``owner`` still holds its phones."""
        with self._change() as db:
            db.execute(
                "UPDATE leases SET heartbeat = ? WHERE owner = ? AND released IS NULL",
                (self._clock.utc(), owner),
            )

    def release(self, serial: str, note: str = "") -> None:
        """Record that a phone is free again; releasing a free phone changes nothing."""
        with self._change() as db:
            changed = db.execute(
                "UPDATE leases SET released = ? WHERE serial = ? AND released IS NULL",
                (self._clock.utc(), serial),
            )
            if changed.rowcount:
                self._note("lease", serial, "held", "released", note)

    def leases(self) -> list[LeaseRow]:
        """Return the phones held."""
        rows = self._rows(
            "SELECT serial, adb_server, adb_serial, work_dir, owner, acquired, heartbeat "
            "FROM leases WHERE released IS NULL ORDER BY id"
        )
        return [LeaseRow(*row) for row in rows]

    def changes(self, after: int = 0) -> list[Change]:
        """Return the history after the change with id ``after``."""
        rows = self._rows(
            "SELECT id, utc, what, key, old, new, note FROM changes WHERE id > ? ORDER BY id",
            (after,),
        )
        return [Change(*row) for row in rows]


def _connect(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: cannot open the ledger: {error}") from error
    return db
