"""A run's tasks on the host, and those that a program adds while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.lab.feed import TaskFeed
from harness.lab.known_jobs import KnownJobs
from harness.lab.ledger.ledger import Ledger
from harness.lab.planning.candidates import tasks_for_each
from harness.lab.planning.plan import make_plan
from harness.lab.ports import LabPhone
from harness.lab.scheduling.agenda import Outcome
from harness.lab.scheduling.dispatch import Ticket
from harness.lab.scheduling.host_tasks import HostTasks, Parent, host_function
from harness.lab.scheduling.intake import Intake
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder
from harness.scenario.task import Task

if TYPE_CHECKING:
    from harness.lab.run import Run


def host_tasks(run: Run) -> HostTasks:
    """Return what calls the functions of a run's tasks on the host."""
    return HostTasks(
        run.folder,
        run.bench.clock,
        run.stop,
        call_of=lambda task_id: run.ledger.task(task_id).call,
        parents_of=lambda task_id: counted_parents(run.folder, run.ledger, task_id),
    )


def counted_parents(folder: RunFolder, ledger: Ledger, task_id: str) -> tuple[Parent, ...]:
    """Return the parents that a task starts with, and where their results lie."""
    parents: list[Parent] = []
    for parent_id in ledger.counted_parents(task_id) or ():
        done = ledger.attempts(parent_id, "finished")[-1]
        if done.serial:
            path = folder.attempt(parent_id, done.attempt).path
        else:
            path = TaskFolder(folder.path, parent_id).path
        parents.append(Parent(parent_id, done.attempt, path))
    return tuple(parents)


def task_feed(
    run: Run,
    jobs: KnownJobs,
    taking_part: Callable[[], Sequence[LabPhone]],
    intake: Intake,
    held: Sequence[LabPhone],
) -> TaskFeed:
    """Return what a program that adds tasks sees of a run.

    Args:
        run: The run.
        jobs: Those that it knows; new ones are added.
        taking_part: Returns the phones that take part by now, with what they can do.
        intake: Takes the tasks.
        held: The phones that the run began with.
    """

    def plan(tasks: Sequence[Task]) -> list[Ticket]:
        """Find phones for new tasks, among those of the run."""
        phones = list({phone.serial: phone for phone in (*held, *taking_part())}.values())
        for task in tasks:
            if task.kind == "host":
                host_function(task.call.function)
        placed = tasks_for_each(tasks, phones)
        needs = run.materials.needs(task for task in placed if task.kind == "phone")
        run.materials.check(needs)
        planned = make_plan(needs, phones)
        planned.check()
        jobs.add(planned.jobs)
        tickets = {job.task.task_id: job.ticket(run.scenario.retry) for job in planned.jobs}
        return [tickets.get(task.task_id) or Ticket(task) for task in placed]

    def recorded(tasks: Sequence[Task]) -> None:
        run.add_to_plan([jobs[task.task_id] for task in tasks if task.kind == "phone"])

    return TaskFeed(run.folder, intake, plan, recorded, _outcomes(run.ledger))


def _outcomes(ledger: Ledger) -> Mapping[str, Outcome | None]:
    """Return what the tasks of a run that goes on have come to so far."""
    done = {row.task_id: row.attempt for row in ledger.attempts(state="finished")}
    outcomes: dict[str, Outcome | None] = {}
    for row in ledger.rows():
        outcomes[row.task_id] = None
        if row.state in ("finished", "failed", "skipped"):
            attempt = done.get(row.task_id)
            outcomes[row.task_id] = Outcome(row.task_id, row.state, attempt, row.reason)
    return outcomes
