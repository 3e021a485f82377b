"""The ledger (sqlite): the only truth about a run's progress, whole after a crash at any moment.

Every change of a state is one transaction that also writes a row of ``changes``. Write-ahead log
with full sync: what `Ledger` has returned from survives a power cut; readers (``status``) never
block the writer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from harness.errors import InputError
from harness.lab.clock import Clock, SystemClock
from harness.lab.ledger.attempt_rows import AttemptRows
from harness.lab.ledger.leases import LeaseRows
from harness.lab.ledger.tables import FROM_VERSION_1, SCHEMA_VERSION, TABLES
from harness.lab.ledger.transactions import LedgerError
from harness.scenario.task import Task

__all__ = ["Ledger", "LedgerError"]

BUSY_TIMEOUT_S = 30.0


class Ledger(AttemptRows, LeaseRows):
    """An open ledger; may be used by several threads.

    Use `create` for a new run, `open` to go on with one and `read` to look into one, then `close`.
    """

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
        today = cls(copy, path, ledger._clock)
        with today._change() as db:
            _execute(db, FROM_VERSION_1)
        return today

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
