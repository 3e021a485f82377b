"""The nodes of a run's graph: a job on a phone, or work on the host, and what each waits for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.errors import InputError
from harness.scenario.identity import canonical_json, sha256_of
from harness.scenario.spec import JobSpec

Kind = Literal["phone", "host"]
Place = Literal["any", "same-as-parent", "each"]
"""``any``: a phone that fits. ``same-as-parent``: the phone that the task `Task.beside` ran on, any
other only once that one has left the run. ``each``: every phone that fits; settled by
`harness.lab.planning.candidates` before the task comes into a run."""


@dataclass(frozen=True)
class Quorum:
    """With how many of its parents a task is content.

    Before the limit it waits until every parent has an outcome. From the limit on, ``enough``
    finished parents start it; if there are fewer, it is skipped. It is skipped as soon as so many
    parents failed that ``enough`` cannot finish any more.

    Args:
        enough: So many finished parents, at least.
        after_s: The limit: seconds since the task came into the run. They count anew in a run that
            is resumed.
    """

    enough: int
    after_s: float


@dataclass(frozen=True)
class HostCall:
    """Work on the host: a function by its name (`harness.lab.scheduling.host_tasks`).

    Args:
        function: Its name.
        arguments: What it is given, as JSON has it.
        retries: How often it is tried again after it failed.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0


@dataclass(frozen=True)
class Task:
    """A node of a run's graph.

    Args:
        task_id: Unique in the run, a safe file name; of a phone's task the id of its job.
        work: What is done.
        parents: Tasks that have to finish before it starts.
        place: Where it runs.
        beside: The parent on whose phone it runs, where ``place`` is ``same-as-parent``; its kept
            checkpoint is what the training starts from.
        quorum: With how many parents it is content; None: all of them, without a limit.
        index: Its place in the order in which tasks are offered; a run numbers what is added.

    Raises:
        InputError: Its parts contradict each other.
    """

    task_id: str
    work: JobSpec | HostCall
    parents: tuple[str, ...] = ()
    place: Place = "any"
    beside: str | None = None
    quorum: Quorum | None = None
    index: int = 0

    def __post_init__(self) -> None:
        wrong = _contradiction(self)
        if wrong:
            raise InputError(wrong, where=f"task {self.task_id or '(without a name)'}")

    @classmethod
    def of_job(cls, job: JobSpec, parent: str | None = None) -> Task:
        """Return the task of a job: on any phone, or on its parent's."""
        return cls(
            job.job_id,
            job,
            parents=(parent,) if parent else (),
            place="same-as-parent" if parent else "any",
            beside=parent,
            index=job.index,
        )

    @property
    def kind(self) -> Kind:
        """Where it runs."""
        return "phone" if isinstance(self.work, JobSpec) else "host"

    @property
    def job(self) -> JobSpec:
        """The job of a phone's task."""
        if not isinstance(self.work, JobSpec):
            raise TypeError(f"{self.task_id} runs on the host")
        return self.work

    @property
    def call(self) -> HostCall:
        """What a host's task calls."""
        if isinstance(self.work, JobSpec):
            raise TypeError(f"{self.task_id} runs on a phone")
        return self.work

    @property
    def identity(self) -> str:
        """SHA-256 of what is done."""
        if isinstance(self.work, JobSpec):
            return self.work.identity
        return sha256_of([self.work.function, dict(self.work.arguments)])

    @property
    def needed(self) -> int:
        """How many parents must finish."""
        return len(self.parents) if self.quorum is None else self.quorum.enough

    def on_phone(self, serial: str) -> Task:
        """Return this task for one phone only."""
        job = self.job.on_phone(serial)
        place: Place = "any" if self.place == "each" else self.place
        return replace(self, task_id=job.job_id, work=job, place=place)

    def payload(self) -> str:
        """Return the work as the ledger holds it (JSON)."""
        if isinstance(self.work, JobSpec):
            return self.work.model_dump_json()
        return json.dumps(
            {
                "function": self.work.function,
                "arguments": dict(self.work.arguments),
                "retries": self.work.retries,
            }
        )


def work_of(kind: Kind, payload: str) -> JobSpec | HostCall:
    """Return what `Task.payload` wrote."""
    return (
        JobSpec.model_validate_json(payload) if kind == "phone" else HostCall(**json.loads(payload))
    )


def tasks_of(jobs: Sequence[JobSpec]) -> list[Task]:
    """Return the tasks of a scenario's jobs: each later round waits for the round before it.

    Args:
        jobs: As `expand_jobs` returns them: the rounds of one training follow each other.
    """
    tasks: list[Task] = []
    for job in jobs:
        parent = None
        if job.round > 1:
            before = tasks[-1].job
            assert (before.round, before.axes) == (job.round - 1, job.axes), "rounds out of order"
            parent = before.job_id
        task = Task.of_job(job, parent)
        each = parent is None and job.content.phones.each
        tasks.append(replace(task, place="each") if each else task)
    return tasks


def _contradiction(task: Task) -> str:
    """Return why a task cannot be, empty if it can."""
    quorum, parents = task.quorum, task.parents
    if not task.task_id:
        return "a task needs an id"
    if isinstance(task.work, JobSpec) and task.work.job_id != task.task_id:
        return f"the id of a phone's task is that of its job, {task.work.job_id}"
    if len(set(parents)) != len(parents) or task.task_id in parents:
        return "its parents are other tasks, each named once"
    if (task.place == "same-as-parent") != (task.beside is not None):
        return "`same-as-parent` and `beside` go together"
    if task.beside is not None and task.beside not in parents:
        return f"{task.beside} is not one of its parents"
    if task.kind == "host":
        return _wrong_call(task)
    if quorum is None:
        return ""
    return _wrong_quorum(quorum, len(parents))


def _wrong_quorum(quorum: Quorum, parents: int) -> str:
    if not 1 <= quorum.enough <= parents:
        return f"a quorum of {quorum.enough} of {parents} parents"
    if not (math.isfinite(quorum.after_s) and quorum.after_s >= 0):
        return f"a limit of {quorum.after_s} s"
    return ""


def _wrong_call(task: Task) -> str:
    if task.place != "any":
        return "a place is for tasks on phones"
    if task.call.retries < 0:
        return f"{task.call.retries} retries"
    try:
        canonical_json(dict(task.call.arguments))
    except (TypeError, ValueError) as error:
        return f"its arguments are no JSON: {error}"
    return "" if task.quorum is None else _wrong_quorum(task.quorum, len(task.parents))
