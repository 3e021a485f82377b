"""The ledger (sqlite): the only truth about a run's progress, whole after a crash at any moment.

Every change of a state is one transaction that also writes a row of ``changes``. Write-ahead log
with full sync: what `Ledger` has returned from survives a power cut; readers (``status``) never
block the writer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from harness.errors import HarnessError, InputError
from harness.lab.clock import Clock, SystemClock
from harness.lab.ledger.tables import (
    ALLOWED,
    FROM_VERSION_1,
    SCHEMA_VERSION,
    TABLES,
    AttemptRow,
    Change,
    LeaseRow,
    TaskRow,
    TaskState,
)
from harness.results.files import DiskFullError
from harness.scenario.task import Quorum, Task, work_of

BUSY_TIMEOUT_S = 30.0
_TASK_ROW = "SELECT task_id, idx, kind, identity, state, reason, updated FROM tasks"


class LedgerError(HarnessError):
    """The ledger refuses a change that would contradict what it holds, or cannot be used."""


class Ledger:
    """An open ledger; may be used by several threads.

    Use `create` for a new run, `open` to go on with one and `read` to look into one, then `close`.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._db = connection
        self._lock = threading.RLock()
        self._clock = clock
        self.path = path

    # -- life -----------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, tasks: Sequence[Task], clock: Clock | None = None) -> Ledger:
        """Make a ledger of a run's first tasks.

        Raises:
            LedgerError: The file exists or cannot be made.
        """
        if path.exists():
            raise LedgerError(f"{path}: there is a ledger already")
        ledger = cls(_connect(path), path, clock or SystemClock())
        with ledger._change() as db:
            _execute(db, TABLES)
            db.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
            ledger.add(tasks)
        return ledger

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> Ledger:
        """Open an existing ledger to go on with it; one of version 1 becomes one of today's.

        Raises:
            InputError: There is none, it is of another version, or the file is damaged.
        """
        ledger, version = cls._opened(path, clock)
        if version == 1:
            with ledger._change() as db:
                if _version(db) == 1:  # nobody else has done so meanwhile
                    _execute(db, FROM_VERSION_1)
        return ledger

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Open an existing ledger to look into it: the file stays as it is, also of version 1.

        Raises:
            InputError: There is none, it is of another version, or the file is damaged.
        """
        ledger, version = cls._opened(path, None)
        if version != 1:
            return ledger
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with ledger:
            ledger._db.backup(copy)
        found = cls(copy, path, ledger._clock)
        with found._change() as db:
            _execute(db, FROM_VERSION_1)
        return found

    @classmethod
    def _opened(cls, path: Path, clock: Clock | None) -> tuple[Ledger, int]:
        """Return the ledger as it lies there, and its version."""
        if not path.is_file():
            raise InputError("no ledger here", where=str(path), hint="Is this a run folder?")
        try:
            ledger = cls(_connect(path), path, clock or SystemClock())
        except LedgerError as error:
            raise InputError(str(error), where=str(path)) from error
        try:
            version = _version(ledger._db)
        except (sqlite3.DatabaseError, ValueError) as error:
            ledger.close()
            raise InputError(f"not a readable ledger: {error}", where=str(path)) from error
        if version not in (1, SCHEMA_VERSION):
            ledger.close()
            raise InputError(
                f"the ledger is of version {version}, this program reads 1 and {SCHEMA_VERSION}",
                where=str(path),
                hint="Use the version of the harness that made the run.",
            )
        return ledger, version

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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

    # -- tasks ----------------------------------------------------------------------------------

    def add(self, tasks: Sequence[Task]) -> None:
        """Add tasks: ``waiting`` where they have parents, else ``queued``.

        Raises:
            LedgerError: An id is taken, or a parent is not there.
        """
        with self._change() as db:
            now = self._clock.utc()
            db.executemany(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
                [
                    (
                        task.task_id,
                        task.index,
                        task.kind,
                        task.identity,
                        task.payload(),
                        task.place,
                        task.beside,
                        task.quorum.enough if task.quorum else None,
                        task.quorum.after_s if task.quorum else None,
                        "waiting" if task.parents else "queued",
                        now,
                    )
                    for task in tasks
                ],
            )
            db.executemany(
                "INSERT INTO parents VALUES (?, ?, ?, NULL)",
                [
                    (task.task_id, place, parent)
                    for task in tasks
                    for place, parent in enumerate(task.parents)
                ],
            )

    def rows(self, *states: TaskState) -> list[TaskRow]:
        """Return where tasks stand, in their order, all or those in ``states``."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        rows = self._rows(f"{_TASK_ROW} {where} ORDER BY idx", states)
        return [TaskRow(*row) for row in rows]

    def row(self, task_id: str) -> TaskRow:
        """Return where one task stands.

        Raises:
            LedgerError: There is no such task.
        """
        rows = self._rows(f"{_TASK_ROW} WHERE task_id = ?", (task_id,))
        if not rows:
            raise LedgerError(f"{self.path}: no task {task_id}")
        return TaskRow(*rows[0])

    def tasks(self, *states: TaskState) -> list[Task]:
        """Return tasks as they were added, in order, all or those in ``states``."""
        marks = ", ".join("?" * len(states))
        return self._tasks(f"WHERE state IN ({marks})" if states else "", states)

    def task(self, task_id: str) -> Task:
        """Return one task as it was added.

        Raises:
            LedgerError: There is no such task.
        """
        tasks = self._tasks("WHERE task_id = ?", (task_id,))
        if not tasks:
            raise LedgerError(f"{self.path}: no task {task_id}")
        return tasks[0]

    def _tasks(self, where: str, values: Sequence[Any]) -> list[Task]:
        parents: dict[str, list[str]] = {}
        for task_id, parent in self._rows(
            "SELECT task_id, parent_id FROM parents JOIN tasks USING (task_id) "  # noqa: S608
            f"{where} ORDER BY task_id, parents.place",
            values,
        ):
            parents.setdefault(task_id, []).append(parent)
        rows = self._rows(
            "SELECT task_id, kind, work, place, beside, enough, after_s, idx FROM tasks "  # noqa: S608
            f"{where} ORDER BY idx",
            values,
        )
        return [
            Task(
                task_id,
                work_of(kind, work),
                parents=tuple(parents.get(task_id, ())),
                place=place,
                beside=beside,
                quorum=None if enough is None else Quorum(enough, after_s),
                index=index,
            )
            for task_id, kind, work, place, beside, enough, after_s, index in rows
        ]

    def counts(self) -> dict[str, int]:
        """Return how many tasks are in each state."""
        return dict(
            cast(
                "list[tuple[str, int]]", self._rows("SELECT state, COUNT(*) FROM tasks GROUP BY 1")
            )
        )

    def set_state(self, task_id: str, state: TaskState, reason: str = "") -> None:
        """Move a task to ``state``; moving it where it is changes nothing.

        Raises:
            LedgerError: ``state`` may not follow the task's present one.
        """
        with self._change():
            self._move(task_id, state, reason)

    def _move(self, task_id: str, state: str, reason: str) -> None:
        old = self.row(task_id).state
        if old == state:
            return
        if state not in ALLOWED[old]:
            raise LedgerError(f"{self.path}: task {task_id} is {old} and cannot become {state}")
        self._db.execute(
            "UPDATE tasks SET state = ?, reason = ?, updated = ? WHERE task_id = ?",
            (state, reason, self._clock.utc(), task_id),
        )
        self._note("task", task_id, old, state, reason)

    def release_task(self, task_id: str, counted: Collection[str], reason: str) -> None:
        """Queue a waiting task, and record which of its parents it starts with.

        Raises:
            LedgerError: It does not wait.
        """
        with self._change() as db:
            self._move(task_id, "queued", reason)
            rows = self._rows("SELECT place, parent_id FROM parents WHERE task_id = ?", (task_id,))
            db.executemany(
                "UPDATE parents SET counted = ? WHERE task_id = ? AND place = ?",
                [(int(parent in counted), task_id, place) for place, parent in rows],
            )

    def counted_parents(self, task_id: str) -> list[str] | None:
        """Return the parents that a task started with; None while that is not decided."""
        rows = self._rows(
            "SELECT parent_id, counted FROM parents WHERE task_id = ? ORDER BY place", (task_id,)
        )
        if any(counted is None for _, counted in rows):
            return None
        return [parent for parent, counted in rows if counted]

    # -- attempts -------------------------------------------------------------------------------

    def start_attempt(self, task_id: str, serial: str, owner: str) -> int:
        """Start the next attempt of a queued task; return its number.

        Args:
            task_id: The task.
            serial: The phone; empty for a task on the host.
            owner: Who runs it.


        Raises:
            LedgerError: The task is not queued, or the phone has an attempt running.
        """
        with self._change() as db:
            self._move(task_id, "running", f"on {serial or 'the host'}")
            last = db.execute(
                "SELECT COALESCE(MAX(n), 0) FROM attempts WHERE task_id = ?", (task_id,)
            ).fetchone()
            number = int(last[0]) + 1
            db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, 'running', '', NULL, ?, NULL)",
                (task_id, number, serial, owner, self._clock.utc()),
            )
            self._note("attempt", f"{task_id}/{number}", "", "running", serial)
        return number

    def attempt_step(self, task_id: str, attempt: int, step: str) -> None:
        """Record which step a running attempt has reached."""
        with self._change() as db:
            db.execute(
                "UPDATE attempts SET step = ? WHERE task_id = ? AND n = ? AND state = 'running'",
                (step, task_id, attempt),
            )

    def adopt_attempt(self, task_id: str, attempt: int, owner: str) -> None:
        """Record that ``owner`` goes on with a running attempt whose host died.

        Raises:
            LedgerError: The attempt is not running.
        """
        with self._change() as db:
            changed = db.execute(
                "UPDATE attempts SET owner = ? WHERE task_id = ? AND n = ? AND state = 'running'",
                (owner, task_id, attempt),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"{self.path}: attempt {task_id}/{attempt} is not running")
            self._note("attempt", f"{task_id}/{attempt}", "running", "running", "rejoined")

    def end_attempt(
        self,
        task_id: str,
        attempt: int,
        *,
        state: str,
        failure: str | None,
        task_state: TaskState,
        reason: str = "",
    ) -> None:
        """End a running attempt and move its task on, in one transaction.

        Args:
            task_id: The task.
            attempt: Its running attempt.
            state: ``finished``, ``failed`` or ``lost``.
            failure: Kind of failure, or None.
            task_state: ``finished``, ``failed``, ``skipped``, or ``queued`` for another attempt.
            reason: For the history.

        Raises:
            LedgerError: The attempt is not running.
        """
        with self._change() as db:
            changed = db.execute(
                "UPDATE attempts SET state = ?, failure = ?, ended = ? "
                "WHERE task_id = ? AND n = ? AND state = 'running'",
                (state, failure, self._clock.utc(), task_id, attempt),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"{self.path}: attempt {task_id}/{attempt} is not running")
            self._note("attempt", f"{task_id}/{attempt}", "running", state, failure or "")
            self._move(task_id, task_state, reason)

    def attempts(self, task_id: str | None = None, state: str | None = None) -> list[AttemptRow]:
        """Return attempts by task order and number, all or of one task, all or in one state."""
        asked = [("a.task_id", task_id), ("a.state", state)]
        wanted = [(column, value) for column, value in asked if value is not None]
        where = " AND ".join(f"{column} = ?" for column, _ in wanted) or "TRUE"
        rows = self._rows(
            "SELECT a.task_id, n, serial, owner, a.state, step, failure, started, ended "  # noqa: S608
            f"FROM attempts a JOIN tasks USING (task_id) WHERE {where} ORDER BY idx, n",
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


def _execute(db: sqlite3.Connection, script: str) -> None:
    """Execute statements inside the transaction that is open (`executescript` would end it)."""
    for statement in script.split(";\n"):
        db.execute(statement)


def _version(db: sqlite3.Connection) -> int | None:
    row = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    return None if row is None else int(row[0])
