"""A program that adds tasks while a run goes on, and what it sees of the run.

`run_scenario` and `resume_run` take such a program. It runs in a thread of its own; the run ends
when it has returned and every task has an outcome. A resumed run calls it anew: it asks
`TaskFeed.outcome` which of its tasks are there already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from harness.lab.scheduling.agenda import Outcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.intake import Intake, RunOverError
from harness.results.store import RunFolder
from harness.scenario.task import Task

FeedProgram = Callable[["TaskFeed"], None]
"""Adds tasks and waits for what they come to."""

Planner = Callable[[Sequence[Task]], "list[Ticket]"]
"""Finds phones for tasks, and settles the place `each`.

Raises `InputError` or `NoPhoneError`."""

END_S: Final = 10.0
"""How long a program may take to end after the run has."""


class TaskFeed:
    """What a program sees of its run; for one thread.

    Args:
        folder: The run's folder.
        intake: Takes the tasks.
        plan: Finds phones for them.
        recorded: Told the tasks that were added, once the ledger holds them.
        known: Task -> its outcome, None while it has none, of all tasks there were before.
        tasks: All tasks there were before.
        note: Tells the user something.
    """

    def __init__(
        self,
        folder: RunFolder,
        intake: Intake,
        plan: Planner,
        recorded: Callable[[Sequence[Task]], None],
        known: Mapping[str, Outcome | None],
        tasks: Sequence[Task] = (),
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.note = note
        self._tasks = list(tasks)
        self._intake = intake
        self._plan = plan
        self._recorded = recorded
        self._outcomes = dict(known)
        self._changed = threading.Condition()
        self._over = False
        self._error: Exception | None = None

    def add(self, tasks: Sequence[Task]) -> list[Task]:
        """Add tasks to the run; those whose parents have finished start at once.

        Returns:
            The tasks as the run has them: a task for `each` phone has become several.

        Raises:
            InputError: An id is taken, a parent or a function unknown, a job wrong; none was added.
            NoPhoneError: No phone of the run fits a job; none was added.
            RunOverError: The run has ended.
        """
        tickets = self._plan(tasks)
        names = dict.fromkeys(ticket.job_id for ticket in tickets)
        self._intake.add(tickets)
        with self._changed:
            self._outcomes = {**names, **self._outcomes}
        added = [ticket.task for ticket in tickets]
        self._tasks += added
        self._recorded(added)
        return added

    def withdraw(self, job_ids: Iterable[str], why: str) -> None:
        """Say that jobs of the run are wanted no more; returns once the ledger holds it.

        Those that wait are skipped, those that run are asked to stop, and a resumed run does not
        take them up again. What has an outcome keeps it.

        Args:
            job_ids: Tasks on phones.
            why: In words; stands in the ledger and in what is left of the attempt.

        Raises:
            InputError: One of them is unknown, or runs on the host; none was withdrawn.
            RunOverError: The run has ended.
        """
        wanted = list(job_ids)
        if wanted:
            self._intake.withdraw(wanted, why)

    def tasks(self) -> list[Task]:
        """Return the tasks of the run, those of an earlier process too, in their order."""
        return list(self._tasks)

    def knows(self, task_id: str) -> bool:
        """Say whether the run has a task of this name."""
        with self._changed:
            return task_id in self._outcomes

    def outcomes(
        self, task_ids: Iterable[str], timeout_s: float | None = None
    ) -> dict[str, Outcome]:
        """Return what tasks came to: waits until all of them have an outcome.

        Args:
            task_ids: Tasks of this run.
            timeout_s: Return what there is after so long; None: wait.

        Raises:
            RunOverError: The run has ended before.
        """
        wanted = list(task_ids)

        def settled() -> dict[str, Outcome]:
            return {
                task_id: outcome
                for task_id in wanted
                if (outcome := self._outcomes.get(task_id)) is not None
            }

        with self._changed:
            self._changed.wait_for(lambda: self._over or len(settled()) == len(wanted), timeout_s)
            outcomes = settled()
        if self._over and len(outcomes) < len(wanted):
            raise RunOverError("the run has ended before its tasks")
        return outcomes

    # -- for the run ------------------------------------------------------------------------------

    def settled(self, outcome: Outcome) -> None:
        """Take in what a task came to."""
        with self._changed:
            self._outcomes[outcome.task_id] = outcome
            self._changed.notify_all()

    @contextmanager
    def running(self, program: FeedProgram) -> Iterator[None]:
        """Let the program run beside what is inside; raises what it raised."""

        def work() -> None:
            try:
                program(self)
            except Exception as error:  # noqa: BLE001 - the thread's outermost: raised below
                self._error = error
            finally:
                self._intake.close()

        thread = threading.Thread(target=work, name="feed", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()
            thread.join(END_S)
        if self._error is not None and not isinstance(self._error, RunOverError):
            raise self._error
