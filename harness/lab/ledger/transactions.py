"""Transactions on the ledger's file, and the history that each change writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, InputError
from harness.lab.clock import Clock
from harness.lab.ledger.tables import Change
from harness.results.files import DiskFullError


class LedgerError(HarnessError):
    """The ledger refuses a change that would contradict what it holds, or cannot be used."""


class Transactions:
    """A connection whose changes are transactions; may be used by several threads.

    Args:
        connection: The open file.
        path: Where it lies.
        clock: Where the time comes from.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        self._db = connection
        self._lock = threading.RLock()
        self._clock = clock
        self._now = ""
        """When the transaction that is open began; it writes no other time."""
        self.path = path

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
            self._now = self._clock.utc()
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._write_late()
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                if "disk is full" in str(error):
                    raise DiskFullError(
                        f"{self.path}: the disk is full. Make room and resume."
                    ) from error
                raise LedgerError(f"{self.path}: {error}") from error
            except BaseException:
                self._rollback()
                raise

    def _write_late(self) -> None:
        """Write what was put off to the end of the transaction."""

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _note(self, what: str, key: str, old: str, new: str, note: str = "") -> None:
        self._db.execute(
            "INSERT INTO changes (utc, what, key, old, new, note) VALUES (?, ?, ?, ?, ?, ?)",
            (self._now, what, key, old, new, note),
        )

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds.

        Raises:
            InputError: The file is damaged.
        """
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise InputError(f"not a readable ledger: {error}", where=str(self.path)) from error

    def changes(self, after: int = 0) -> list[Change]:
        """Return the history after the change with id ``after``."""
        rows = self._rows(
            "SELECT id, utc, what, key, old, new, note FROM changes WHERE id > ? ORDER BY id",
            (after,),
        )
        return [Change(*row) for row in rows]
