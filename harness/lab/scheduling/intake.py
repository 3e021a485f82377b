"""Tasks that are added while a run goes on: who may add some, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.errors import HarnessError, InputError
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.engine import Awaited, NoMoreTasks, TasksAdded, TasksWithdrawn
from harness.scenario.task import Kind


class RunOverError(HarnessError):
    """The run has ended: it takes no more tasks."""


class Register:
    """Which ids a run knows: what is added is checked against it before it goes to the agenda.

    Args:
        known: Task -> where it runs, of all tasks of the run.
        next_index: Place of the next task.
    """

    def __init__(self, known: Mapping[str, Kind], next_index: int) -> None:
        self._known = dict(known)
        self._next = next_index
        self._lock = threading.Lock()
        self._over = ""

    def add(self, tickets: Sequence[Ticket], post: Callable[[TasksAdded], None]) -> TasksAdded:
        """Number new tickets, know them from now on, and have them posted in this order.

        Raises:
            InputError: An id is taken, a parent is unknown or comes later, or the place is none
                for a single task; none of the tickets was taken.
            RunOverError: The run has ended.
        """
        with self._lock:
            if self._over:
                raise RunOverError(self._over)
            added = TasksAdded(tuple(self._numbered(tickets)))
            post(added)
        return added

    def withdraw(
        self, job_ids: Sequence[str], why: str, post: Callable[[TasksWithdrawn], None]
    ) -> TasksWithdrawn:
        """Have it posted that jobs are wanted no more.

        Raises:
            InputError: One of them is unknown, or runs on the host; none was withdrawn.
            RunOverError: The run has ended.
        """
        with self._lock:
            if self._over:
                raise RunOverError(self._over)
            for job_id in job_ids:
                if self._known.get(job_id) != "phone":
                    what = "runs on the host" if job_id in self._known else "is unknown"
                    raise InputError(
                        f"it {what}",
                        where=f"task {job_id}",
                        hint="Only a run's jobs on phones can be withdrawn.",
                    )
            withdrawn = TasksWithdrawn(tuple(job_ids), why)
            post(withdrawn)
        return withdrawn

    def close(self, why: str) -> None:
        """Take no more tickets, for this reason."""
        with self._lock:
            self._over = why

    def _numbered(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        new: dict[str, Kind] = {}
        for ticket in tickets:
            task, where = ticket.task, f"task {ticket.job_id}"
            if task.task_id in self._known or task.task_id in new:
                raise InputError("there is a task of this name already", where=where)
            for parent in task.parents:
                if parent not in self._known and parent not in new:
                    raise InputError(
                        f"its parent {parent} is unknown",
                        where=where,
                        hint="Parents are added before their children.",
                    )
            if task.beside is not None and "host" in (
                self._known.get(task.beside),
                new.get(task.beside),
            ):
                raise InputError(f"{task.beside} runs on the host, on no phone", where=where)
            if task.place == "each":
                raise InputError(
                    "`each` is settled before a task is added",
                    where=where,
                    hint="See harness.lab.plan.one_for_each.",
                )
            new[task.task_id] = task.kind
        self._known.update(new)
        first, self._next = self._next, self._next + len(tickets)
        return [
            replace(ticket, task=replace(ticket.task, index=index))
            for index, ticket in enumerate(tickets, first)
        ]


class Intake:
    """Says that more tasks may come, for as long as it is open: the run does not end before.

    `Scheduler.open_intake` makes one; `add` and `close` may be called from any thread.
    """

    def __init__(
        self,
        register: Register,
        post: Callable[[TasksAdded | TasksWithdrawn | NoMoreTasks], None],
        is_own_thread: Callable[[], bool],
    ) -> None:
        self._register = register
        self._post = post
        self._is_own_thread = is_own_thread
        self._open = True

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, tickets: Sequence[Ticket]) -> None:
        """Add tasks; returns once the ledger holds them, before any of them starts.

        Raises:
            InputError: An id is taken or a parent unknown; none of them was added.
            RunOverError: The run has ended, or this intake is closed.
        """
        if not self._open:
            raise RunOverError("this intake is closed: it takes no more tasks")
        self._wait_for(self._register.add(tickets, self._post))

    def withdraw(self, job_ids: Sequence[str], why: str) -> None:
        """Say that jobs are wanted no more; returns once the ledger holds it.

        Those that wait are skipped, those that run are asked to stop; what has an outcome keeps it.

        Raises:
            InputError: One of them is unknown, or runs on the host; none was withdrawn.
            RunOverError: The run has ended, or this intake is closed.
        """
        if not self._open:
            raise RunOverError("this intake is closed: it withdraws no more tasks")
        self._wait_for(self._register.withdraw(job_ids, why, self._post))

    def _wait_for(self, report: Awaited) -> None:
        if self._is_own_thread():
            return  # the turn that goes on is followed by the one that records it
        report.done.wait()
        if report.refusals:
            raise RunOverError(report.refusals[0])

    def close(self) -> None:
        """Say that no more tasks come from here; closing twice changes nothing."""
        if self._open:
            self._open = False
            self._post(NoMoreTasks())
