"""The ledger's record of a run's attempts; an attempt moves its task on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from harness.lab.clock import Clock
from harness.lab.ledger.tables import AttemptRow, TaskState
from harness.lab.ledger.task_rows import TaskRows
from harness.lab.ledger.transactions import LedgerError


class AttemptRows(TaskRows):
    """The attempts at a run's tasks."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock) -> None:
        super().__init__(connection, path, clock)
        self._steps: dict[tuple[str, int], str] = {}
        """Steps of attempts that the open transaction has still to write."""

    def _write_late(self) -> None:
        if self._steps:
            self._db.executemany(
                "UPDATE attempts SET step = ? WHERE task_id = ? AND n = ? AND state = 'running'",
                [(step, *key) for key, step in self._steps.items()],
            )
            self._steps.clear()

    def _rollback(self) -> None:
        self._steps.clear()
        super()._rollback()

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
                (task_id, number, serial, owner, self._now),
            )
            self._note("attempt", f"{task_id}/{number}", "", "running", serial)
        return number

    def attempt_step(self, task_id: str, attempt: int, step: str) -> None:
        """Record which step a running attempt has reached; of a batch only the last one."""
        with self._lock:
            if self._db.in_transaction:
                self._steps[task_id, attempt] = step
                return
        with self._change():
            self._steps[task_id, attempt] = step

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

        A task that was withdrawn meanwhile stays so.

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
        key = (task_id, attempt)
        with self._change() as db:
            changed = db.execute(
                "UPDATE attempts SET state = ?, failure = ?, ended = ?, step = COALESCE(?, step) "
                "WHERE task_id = ? AND n = ? AND state = 'running'",
                (state, failure, self._now, self._steps.pop(key, None), *key),
            )
            if changed.rowcount != 1:
                raise LedgerError(f"{self.path}: attempt {task_id}/{attempt} is not running")
            self._note("attempt", f"{task_id}/{attempt}", "running", state, failure or "")
            if not self.row(task_id).is_withdrawn:
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
