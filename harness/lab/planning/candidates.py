"""Which phones a job may run on, and what is said of jobs that fit none (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.devices.requirements import match
from harness.devices.unmet import Unmet, some_of, unmet
from harness.lab.planning.needs import JobNeeds
from harness.lab.ports import LabPhone
from harness.scenario.identity import canonical_json
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task

_NAMED: Final = 4
"""So many jobs that fit no phone for one reason are named; the others are counted."""


@dataclass(frozen=True)
class Unplaced:
    """Jobs that fit no phone, or too few, all for the same reasons."""

    jobs: tuple[str, ...]
    unmet: Unmet

    def lines(self) -> list[str]:
        """Return which jobs, what they want, and why each phone is not enough."""
        first, *reasons = self.unmet.lines()
        many = f"{len(self.jobs)} jobs" if len(self.jobs) > 1 else "job"
        return [f"{many} {some_of(self.jobs, _NAMED)}: {first}", *reasons, *self._hint()]

    def _hint(self) -> list[str]:
        """Say how to write "this version or a later one", where one version alone is wanted."""
        bare = re.search(r"\b(android|sdk) (?:=+ ?)?([0-9][0-9.]*)", self.unmet.wanted)
        if bare is None:
            return []
        field, version = bare.groups()
        return [
            f"  {field}: {version} is that version alone; for it or a later one write "
            f'{field}: ">= {version}"'
        ]


@dataclass
class UnplacedJobs:
    """Collects jobs that fit no phone, by what they ask for."""

    phones: Sequence[LabPhone]
    _groups: dict[str, tuple[list[str], Unmet]] = field(default_factory=dict)

    def add(self, spec: JobSpec) -> None:
        """Take a job that has no phone."""
        key = demands_key(spec)
        if key not in self._groups:
            infos = [phone.info for phone in self.phones]
            self._groups[key] = ([], unmet(spec.content.phones, infos, spec.avoid))
        self._groups[key][0].append(spec.job_id)

    def groups(self) -> tuple[Unplaced, ...]:
        """Return them, those with the same reasons together."""
        return tuple(Unplaced(tuple(jobs), why) for jobs, why in self._groups.values())


def demands_key(spec: JobSpec) -> str:
    """Return what a job asks of a phone, in the same words for jobs that ask the same."""
    demands = [spec.content.phones, *spec.avoid]
    return canonical_json([each.as_written() for each in demands])


def one_for_each(jobs: Sequence[JobNeeds], phones: Sequence[LabPhone]) -> list[JobNeeds]:
    """Return jobs with every one whose place is `each` made one a phone that fits.

    See `tasks_for_each`; what a job needs is the same on each phone.
    """
    needs = {job.task.task_id: job for job in jobs}
    spread = _spread([job.task for job in jobs], phones)
    return [replace(needs[origin], task=task) for origin, task in spread]


def tasks_for_each(tasks: Sequence[Task], phones: Sequence[LabPhone]) -> list[Task]:
    """Return ``tasks`` with every one whose place is `each` made one a phone that fits.

    The phone becomes an axis (``phones.serial``) and part of the job's identity. What runs beside
    such a task becomes one a phone too; what only waits for it waits for all of them. A task that
    too few phones fit stays as it is.
    """
    return [task for _, task in _spread(tasks, phones)]


def _spread(tasks: Sequence[Task], phones: Sequence[LabPhone]) -> list[tuple[str, Task]]:
    """Return (the task that it was, the task that it is) in order."""
    spread: dict[str, dict[str, str]] = {}
    """Task -> phone -> the task for it."""
    placed: list[tuple[str, Task]] = []
    for task in tasks:
        serials = list(spread.get(task.beside or "", ()))
        if task.place == "each":
            fitting = fitting_phones(task.job, phones)
            serials = [] if too_few(task.job, fitting) else [phone.serial for phone in fitting]
        copies = {serial: task.on_phone(serial) for serial in serials}
        if copies:
            spread[task.task_id] = {serial: copy.task_id for serial, copy in copies.items()}
        tasks_here = [
            _with_parents(copy, task, spread, serial) for serial, copy in copies.items()
        ] or [_with_parents(task, task, spread)]
        placed += [(task.task_id, each) for each in tasks_here]
    return [(origin, replace(task, index=index)) for index, (origin, task) in enumerate(placed)]


def _with_parents(
    copy: Task, task: Task, spread: Mapping[str, Mapping[str, str]], serial: str = ""
) -> Task:
    """Return a task with the tasks in place of its parents that these have become."""
    beside = None if task.beside is None else spread.get(task.beside, {}).get(serial, task.beside)
    parents: list[str] = []
    for parent in task.parents:
        if parent == task.beside:
            parents.append(beside or parent)
        else:
            parents += spread.get(parent, {"": parent}).values()
    return replace(
        copy,
        parents=tuple(parents),
        beside=beside,
        place="same-as-parent" if beside else copy.place,
    )


def too_few(spec: JobSpec, fitting: Sequence[LabPhone]) -> bool:
    """Say whether fewer phones fit a job than it asks for."""
    return len(fitting) < (spec.content.phones.count or 1)


def fitting_phones(spec: JobSpec, phones: Sequence[LabPhone]) -> list[LabPhone]:
    """Return the phones that a job may run on, at most its ``count``."""
    demands = spec.content.phones
    fitting = [
        phone
        for phone in phones
        if match(demands, phone.info).fits
        and not any(match(avoided, phone.info).fits for avoided in spec.avoid)
    ]
    return fitting if demands.count is None else fitting[: demands.count]
