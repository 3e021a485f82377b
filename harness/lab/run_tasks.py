"""A run's tasks on the host, and what a program that adds tasks has to know of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.lab.clock import Clock, StopSignal
from harness.lab.feed import Planner
from harness.lab.known_jobs import KnownJobs
from harness.lab.ledger.ledger import Ledger
from harness.lab.planning.candidates import tasks_for_each
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import make_plan
from harness.lab.ports import LabPhone
from harness.lab.scheduling.agenda import Outcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.host_tasks import HostTasks, Parent, host_function
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder
from harness.scenario.schema import Retry
from harness.scenario.task import Task


def host_tasks(folder: RunFolder, ledger: Ledger, clock: Clock, stop: StopSignal) -> HostTasks:
    """Return what calls the functions of a run's tasks on the host."""
    return HostTasks(
        folder,
        clock,
        stop,
        call_of=lambda task_id: ledger.task(task_id).call,
        parents_of=lambda task_id: counted_parents(folder, ledger, task_id),
    )


def counted_parents(folder: RunFolder, ledger: Ledger, task_id: str) -> tuple[Parent, ...]:
    """Return the parents that a task starts with, and where their results lie."""
    parents: list[Parent] = []
    for parent_id in ledger.counted_parents(task_id) or ():
        row = ledger.attempts(parent_id, "finished")[-1]
        if row.serial:
            path = folder.attempt(parent_id, row.attempt).path
        else:
            path = TaskFolder(folder.path, parent_id).path
        parents.append(Parent(parent_id, row.attempt, path))
    return tuple(parents)


def planner(
    materials: Materials,
    retry: Retry,
    jobs: KnownJobs,
    phones: Callable[[], Sequence[LabPhone]],
) -> Planner:
    """Return what finds phones for tasks that are added to a run.

    Args:
        materials: Models and recordings.
        retry: How often a job is tried again.
        jobs: Those that the run knows; new ones are added.
        phones: Returns the phones of the run.
    """

    def plan(tasks: Sequence[Task]) -> list[Ticket]:
        for task in tasks:
            if task.kind == "host":
                host_function(task.call.function)
        there = phones()
        placed = tasks_for_each(tasks, there)
        needs = materials.needs(task for task in placed if task.kind == "phone")
        materials.check(needs)
        planned = make_plan(needs, there)
        planned.check()
        jobs.add(planned.jobs)
        tickets = {job.task.task_id: job.ticket(retry) for job in planned.jobs}
        return [tickets.get(task.task_id) or Ticket(task) for task in placed]

    return plan


def outcomes_of(ledger: Ledger) -> Mapping[str, Outcome | None]:
    """Return what the tasks of a run that goes on have come to so far."""
    finished = {row.task_id: row.attempt for row in ledger.attempts(state="finished")}
    outcomes: dict[str, Outcome | None] = {}
    for row in ledger.rows():
        outcomes[row.task_id] = None
        if row.state in ("finished", "failed", "skipped"):
            state = "withdrawn" if row.is_withdrawn else row.state
            attempt = finished.get(row.task_id) if state == "finished" else None
            outcomes[row.task_id] = Outcome(row.task_id, state, attempt, row.reason)
    return outcomes
