"""Which phones a job may run on, what it will need, and roughly how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.devices.gates import parse_gates
from harness.devices.requirements import match, parse_demands
from harness.devices.unmet import Unmet, some_of, unmet
from harness.errors import NoPhoneError
from harness.lab.dispatch import Ticket
from harness.lab.failures import RETRY_FIELDS
from harness.lab.materials import Materials
from harness.lab.ports import LabPhone
from harness.lab.rule_of_thumb import guessed_s
from harness.pressure import Goal
from harness.results.run import PlanRecord
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent, Retry
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task

RULE_OF_THUMB: Final = "a rule of thumb: no past run here has jobs like these"
_NAMED: Final = 4
"""So many jobs that fit no phone for one reason are named; the others are counted."""


@dataclass(frozen=True)
class PlannedJob:
    """A job with what the plan says of it."""

    task: Task
    candidates: tuple[str, ...]
    """Serials of the phones that fit; none where `Plan.unplaced` says why."""
    goal: Goal | None
    need_mb: dict[str, float]
    trainer_base_mb: float
    estimate_s: float
    warnings: tuple[str, ...] = ()
    heat: float = 0.0
    """How much it warms its phone, see `harness.lab.heat`."""

    @property
    def spec(self) -> JobSpec:
        """The job itself."""
        return self.task.job

    def record(self) -> PlanRecord:
        """Return it as ``run.json`` holds it."""
        content = self.spec.content
        return PlanRecord(
            job_id=self.spec.job_id,
            identity=self.spec.identity,
            axes=self.spec.axes,
            repeat=self.spec.repeat,
            round=self.spec.round,
            parents=self.task.parents,
            speaker=content.data.speaker,
            batch_size=content.trainer.batch_size,
            epochs=content.trainer.epochs,
            sub_model=content.trainer.sub_model,
            pressure="none" if self.goal is None else self.goal.text,
            candidates=self.candidates,
            need_mb=self.need_mb,
            estimate_s=self.estimate_s,
        )

    @property
    def demands(self) -> str:
        """What it asks of a phone, in the same words for jobs that ask the same."""
        return canonical_json([self.spec.content.phones, list(self.spec.avoid)])

    def welcomes(self, phone: LabPhone) -> bool:
        """Say whether a phone that comes while the run goes on may take the job."""
        demands = parse_demands(self.spec.content.phones)
        # `count` and `each` chose their phones when the run began
        chosen = demands.count is not None or demands.each
        return not chosen and bool(fitting_phones(self.spec, [phone]))

    def ticket(self, retry: Retry) -> Ticket:
        """Return it as the dispatcher takes it."""
        retries = retry.model_dump()
        return Ticket(
            self.task,
            candidates=frozenset(self.candidates),
            group=push_group(self.spec.content),
            heat=self.heat,
            demands=self.demands,
            retries={kind: retries[name] for name, kind in RETRY_FIELDS.items()},
            skips_shut=parse_gates(self.spec.content.gates).mode == "skip",
        )


@dataclass(frozen=True)
class Unplaced:
    """Jobs that fit no phone, or too few, all for the same reasons."""

    jobs: tuple[str, ...]
    unmet: Unmet

    def lines(self) -> list[str]:
        """Return which jobs, what they want, and why each phone is not enough."""
        first, *others = self.unmet.lines()
        many = f"{len(self.jobs)} jobs" if len(self.jobs) > 1 else "job"
        return [f"{many} {some_of(self.jobs, _NAMED)}: {first}", *others]


@dataclass(frozen=True)
class Estimate:
    """How long a plan takes, phones side by side, and how that is known."""

    seconds: float
    words: str = RULE_OF_THUMB
    attempts: int = 0
    """Past attempts it comes from; 0 = a rule of thumb alone."""


@dataclass(frozen=True)
class Plan:
    """All jobs, and the phones that at least one of them may use."""

    jobs: tuple[PlannedJob, ...]
    phones: tuple[LabPhone, ...]
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Serial -> why no job takes that phone."""
    unplaced: tuple[Unplaced, ...] = ()
    """Jobs without a phone."""
    time: Estimate = Estimate(0.0)

    @property
    def placed(self) -> tuple[PlannedJob, ...]:
        """The jobs that a phone fits."""
        return tuple(job for job in self.jobs if job.candidates)

    def with_jobs(self, jobs: Sequence[PlannedJob]) -> Plan:
        """Return this plan with these in place of the jobs of the same names."""
        changed = {job.spec.job_id: job for job in jobs}
        return replace(self, jobs=tuple(changed.get(job.spec.job_id, job) for job in self.jobs))

    def check(self, *, skip_unfit: bool = False) -> None:
        """Refuse a plan with jobs that fit no phone.

        Args:
            skip_unfit: Only refuse it if there is none that fits one.

        Raises:
            NoPhoneError: All such jobs, what they want and why no phone is enough.
        """
        if self.unplaced and not (skip_unfit and self.placed):
            lines = [line for one in self.unplaced for line in one.lines()]
            if self.placed:
                lines.append(
                    f"Nothing was started. The other {len(self.placed)} jobs fit: "
                    "--skip-unfit runs them alone."
                )
            raise NoPhoneError("\n".join(lines))


def push_group(content: JobContent) -> str:
    """Return what must lie on the phone for a job: jobs of one group need no push in between."""
    return canonical_json(
        [
            content.model.model_dump(mode="json"),
            content.trainer.batch_size,
            content.data.model_dump(mode="json"),
        ]
    )


def make_plan(tasks: Sequence[Task], phones: Sequence[LabPhone], materials: Materials) -> Plan:
    """Match jobs with phones; see `Plan.unplaced` for those that fit none.

    ``count: n`` keeps a job to n phones and asks for all of them to be there. ``each: true`` is
    settled before, by `one_for_each`.

    Raises:
        InputError: A job names something that is not there.
    """
    planned: list[PlannedJob] = []
    homeless: dict[str, tuple[list[str], Unmet]] = {}
    for task in tasks:
        spec = task.job
        found = fitting_phones(spec, phones)
        if _too_few(spec, found) or spec.content.phones.get("each"):
            found = []
            key = canonical_json([spec.content.phones, list(spec.avoid)])
            if key not in homeless:
                avoided = [parse_demands(one) for one in spec.avoid]
                demands = parse_demands(spec.content.phones)
                homeless[key] = ([], unmet(demands, [phone.info for phone in phones], avoided))
            homeless[key][0].append(spec.job_id)
        planned.append(_planned(task, found, materials))
    used = {serial for job in planned for serial in job.candidates}
    return Plan(
        jobs=tuple(planned),
        phones=tuple(phone for phone in phones if phone.serial in used),
        unfit={p.serial: "no job asks for a phone like it" for p in phones if p.serial not in used},
        unplaced=tuple(Unplaced(tuple(jobs), why) for jobs, why in homeless.values()),
        time=Estimate(makespan_s(planned)),
    )


def one_for_each(tasks: Sequence[Task], phones: Sequence[LabPhone]) -> list[Task]:
    """Return ``tasks`` with every one whose place is `each` made one a phone that fits.

    The phone becomes an axis (``phones.serial``) and part of the job's identity. What runs beside
    such a task becomes one a phone too; what only waits for it waits for all of them. A task that
    too few phones fit stays as it is.
    """
    spread: dict[str, dict[str, str]] = {}
    """Task -> phone -> the task for it."""
    placed: list[Task] = []
    for task in tasks:
        serials = list(spread.get(task.beside or "", ()))
        if task.place == "each":
            fitting = fitting_phones(task.job, phones)
            serials = [] if _too_few(task.job, fitting) else [phone.serial for phone in fitting]
        copies = {serial: task.on_phone(serial) for serial in serials}
        if copies:
            spread[task.task_id] = {serial: copy.task_id for serial, copy in copies.items()}
        placed += [
            _with_parents(copy, task, spread, serial) for serial, copy in copies.items()
        ] or [_with_parents(task, task, spread)]
    return [replace(task, index=index) for index, task in enumerate(placed)]


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


def _too_few(spec: JobSpec, found: Sequence[LabPhone]) -> bool:
    return len(found) < (parse_demands(spec.content.phones).count or 1)


def fitting_phones(spec: JobSpec, phones: Sequence[LabPhone]) -> list[LabPhone]:
    """Return the phones that a job may run on, at most its ``count``."""
    demands = parse_demands(spec.content.phones)
    avoided = [parse_demands(one) for one in spec.avoid]
    found = [
        phone
        for phone in phones
        if match(demands, phone.info).fits
        and not any(match(one, phone.info).fits for one in avoided)
    ]
    return found if demands.count is None else found[: demands.count]


def _planned(task: Task, fitting: Sequence[LabPhone], materials: Materials) -> PlannedJob:
    content = task.job.content
    model = materials.model(content.model)
    need = materials.needs(content)
    goal = materials.goal(content)
    warnings = [
        f"{phone.serial} has only {phone.info.idle_available_mb:.0f} MiB available when idle, the "
        f"pressure's goal is {goal.available_mb:.0f}"
        for phone in fitting
        if goal
        and phone.info.idle_available_mb
        and phone.info.idle_available_mb < goal.available_mb
    ]
    if need.predicted:
        warnings.append(
            f"the need of {', '.join(need.predicted)} at batch size {content.trainer.batch_size} "
            "was not measured but is predicted from other batch sizes"
        )
    parameters = max(model.manifest.parameters.values()) / 1e6
    return PlannedJob(
        task=task,
        candidates=tuple(phone.serial for phone in fitting),
        goal=goal,
        need_mb=need.mb,
        trainer_base_mb=model.manifest.trainer_base_mb,
        estimate_s=guessed_s(content, parameters),
        warnings=tuple(warnings),
    )


def with_candidates(job: PlannedJob, serials: Sequence[str]) -> PlannedJob:
    """Return ``job`` kept to the phones that could be leased."""
    return replace(job, candidates=tuple(s for s in job.candidates if s in serials))


def makespan_s(jobs: Sequence[PlannedJob]) -> float:
    """Return when the last job ends, if each goes to the phone that is free first."""
    free: dict[str, float] = {}
    ran_on: dict[str, str] = {}
    for job in jobs:
        places = job.candidates
        before = ran_on.get(job.task.beside or "")
        if before is not None:
            places = (before,)  # a later round stays on its phone
        if not places:
            continue
        serial = min(places, key=lambda one: free.get(one, 0.0))
        free[serial] = free.get(serial, 0.0) + job.estimate_s
        ran_on[job.spec.job_id] = serial
    return max(free.values(), default=0.0)
