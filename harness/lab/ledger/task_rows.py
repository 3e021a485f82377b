"""The ledger's record of a run's tasks: what they are, and where each stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

from harness.errors import InputError
from harness.lab.ledger.tables import ALLOWED, OPEN, WITHDRAWN, TaskRow, TaskState
from harness.lab.ledger.transactions import LedgerError, Transactions
from harness.scenario.spec import JobSpec
from harness.scenario.task import HostCall, Quorum, Task, work_of

_TASK_ROW = "SELECT task_id, idx, kind, identity, state, reason, updated FROM tasks"


class TaskRows(Transactions):
    """The tasks of a run."""

    def add(self, tasks: Sequence[Task]) -> None:
        """Add tasks: ``waiting`` where they have parents, else ``queued``.

        Raises:
            LedgerError: An id is taken, or a parent is not there.
        """
        with self._change() as db:
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
                        self._now,
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
        """Return tasks as they were added, in order, all or those in ``states``.

        Raises:
            InputError: The file is damaged, or holds a task that this version cannot read.
        """
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
                self._work(task_id, kind, work),
                parents=tuple(parents.get(task_id, ())),
                place=place,
                beside=beside,
                quorum=None if enough is None else Quorum(enough, after_s),
                index=index,
            )
            for task_id, kind, work, place, beside, enough, after_s, index in rows
        ]

    def _work(self, task_id: str, kind: Any, work: Any) -> JobSpec | HostCall:
        try:
            return work_of(kind, work)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"task {task_id} cannot be read: {str(error).splitlines()[0]}",
                where=str(self.path),
                hint="Use the version of the harness that made the run.",
            ) from error

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
        row = self._db.execute("SELECT state FROM tasks WHERE task_id = ?", (task_id,)).fetchone()
        if row is None:
            raise LedgerError(f"{self.path}: no task {task_id}")
        (old,) = row
        if old == state:
            return
        if state not in ALLOWED[old]:
            raise LedgerError(f"{self.path}: task {task_id} is {old} and cannot become {state}")
        self._db.execute(
            "UPDATE tasks SET state = ?, reason = ?, updated = ? WHERE task_id = ?",
            (state, reason, self._now, task_id),
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

    def withdraw(self, task_id: str, why: str) -> TaskState | None:
        """Skip a task that has no outcome yet; an attempt at it that runs is left to end.

        Args:
            task_id: The task.
            why: In words.

        Returns:
            Where it stood; None if it had an outcome, and nothing was changed.
        """
        with self._change():
            state = self.row(task_id).state
            if state not in OPEN:
                return None
            self._move(task_id, "skipped", f"{WITHDRAWN}{why}")
            return state

    def has_open_children(self, task_id: str) -> bool:
        """Say whether a task that has it as a parent has not finished."""
        return bool(
            self._rows(
                "SELECT 1 FROM parents JOIN tasks USING (task_id) "
                "WHERE parent_id = ? AND state <> 'finished' LIMIT 1",
                (task_id,),
            )
        )

    def counted_parents(self, task_id: str) -> list[str] | None:
        """Return the parents that a task started with; None while that is not decided."""
        rows = self._rows(
            "SELECT parent_id, counted FROM parents WHERE task_id = ? ORDER BY place", (task_id,)
        )
        if any(counted is None for _, counted in rows):
            return None
        return [parent for parent, counted in rows if counted]
