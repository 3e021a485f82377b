"""Which phones a job may run on, what it will need, and roughly how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.errors import NoPhoneError
from harness.lab.failures import RETRY_FIELDS
from harness.lab.planning.candidates import (
    Unplaced,
    UnplacedJobs,
    demands_key,
    fitting_phones,
    too_few,
)
from harness.lab.planning.estimate import RULE_OF_THUMB, Estimate, PastTimes, guessed_s
from harness.lab.planning.needs import JobNeeds
from harness.lab.planning.room import check_goal_on_phones, room_warnings
from harness.lab.ports import LabPhone
from harness.lab.scheduling.demand import Ticket
from harness.results.model import ClientRecord
from harness.results.run import PlanRecord
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent, Retry
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task


@dataclass(frozen=True)
class PlannedJob:
    """A job with what the plan says of it."""

    needs: JobNeeds
    candidates: tuple[str, ...]
    """Serials of the phones that fit; none where `Plan.unplaced` says why."""
    estimate_s: float
    warnings: tuple[str, ...] = ()
    heat: float = 0.0
    """How much it warms its phone, see `harness.lab.planning.heat`."""

    @property
    def spec(self) -> JobSpec:
        """The job itself."""
        return self.needs.spec

    @property
    def task(self) -> Task:
        """The job as a node of the run's graph."""
        return self.needs.task

    def record(self) -> PlanRecord:
        """Return it as ``run.json`` holds it."""
        content, client = self.spec.content, self.spec.client
        return PlanRecord(
            job_id=self.spec.job_id,
            identity=self.spec.identity,
            axes=self.spec.axes,
            repeat=self.spec.repeat,
            round=self.spec.round,
            parents=self.task.parents,
            speaker=content.data.speaker,
            batch_size=content.trainer.batch_size,
            epochs=content.trainer.planned_epochs,
            sub_model="none" if content.trainer.mode == "evaluate" else content.trainer.sub_model,
            pressure="none" if self.needs.goal is None else self.needs.goal.text,
            candidates=self.candidates,
            need_mb=self.needs.memory.mb,
            estimate_s=self.estimate_s,
            client=None if client is None else ClientRecord(**client.model_dump()),
        )

    @property
    def demands(self) -> str:
        """What it asks of a phone, in the same words for jobs that ask the same."""
        return demands_key(self.spec)

    def welcomes(self, phone: LabPhone) -> bool:
        """Say whether a phone that comes while the run goes on may take the job."""
        demands = self.needs.demands
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
            skips_shut=self.needs.gates.mode == "skip",
        )


@dataclass(frozen=True)
class Plan:
    """All jobs, and the phones that at least one of them may use."""

    jobs: tuple[PlannedJob, ...]
    phones: tuple[LabPhone, ...]
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Serial -> why no job takes that phone."""
    unplaced: tuple[Unplaced, ...] = ()
    """Jobs without a phone."""
    time: Estimate = field(default_factory=lambda: Estimate(0.0))

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
            lines = [line for group in self.unplaced for line in group.lines()]
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


def make_plan(jobs: Sequence[JobNeeds], phones: Sequence[LabPhone]) -> Plan:
    """Match jobs with phones; see `Plan.unplaced` for those that fit none.

    ``count: n`` keeps a job to n phones and asks for all of them to be there. ``each: true`` is
    settled before, by `one_for_each`.

    Raises:
        InputError: Pressure's goal is more than any phone that fits has.
    """
    planned: list[PlannedJob] = []
    unplaced = UnplacedJobs(phones)
    for job in jobs:
        fitting = fitting_phones(job.spec, phones)
        if too_few(job.spec, fitting) or job.demands.each:
            fitting = []
            unplaced.add(job.spec)
        if job.goal is not None:
            check_goal_on_phones(job.goal, fitting)
        planned.append(_planned(job, fitting))
    used = {serial for job in planned for serial in job.candidates}
    return Plan(
        jobs=tuple(planned),
        phones=tuple(phone for phone in phones if phone.serial in used),
        unfit={p.serial: "no job asks for a phone like it" for p in phones if p.serial not in used},
        unplaced=unplaced.groups(),
        time=Estimate(makespan_s(planned)),
    )


def _planned(job: JobNeeds, fitting: Sequence[LabPhone]) -> PlannedJob:
    parameters = max(job.model.manifest.parameters.values()) / 1e6
    return PlannedJob(
        needs=job,
        candidates=tuple(phone.serial for phone in fitting),
        estimate_s=guessed_s(job.spec.content, parameters),
        warnings=tuple(_warnings(job, fitting)),
    )


def _warnings(job: JobNeeds, fitting: Sequence[LabPhone]) -> Iterator[str]:
    goal = job.goal
    for phone in fitting:
        idle_mb = phone.info.idle_available_mb
        if goal is not None and idle_mb and idle_mb < goal.available_mb:
            yield (
                f"{phone.serial} has only {idle_mb:.0f} MiB available when idle, the "
                f"pressure's goal is {goal.available_mb:.0f}"
            )
    yield from room_warnings(
        job.spec.content,
        goal,
        job.sub_models,
        job.memory.mb,
        job.model.manifest.trainer_base_mb,
        fitting,
    )
    if job.memory.predicted:
        yield (
            f"the need of {', '.join(job.memory.predicted)} at batch size "
            f"{job.spec.content.trainer.batch_size} was not measured but is predicted from "
            "other batch sizes"
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
        serial = min(places, key=lambda serial: free.get(serial, 0.0))
        free[serial] = free.get(serial, 0.0) + job.estimate_s
        ran_on[job.spec.job_id] = serial
    return max(free.values(), default=0.0)


def estimated(plan: Plan, past: PastTimes) -> Plan:
    """Return ``plan`` with the times of past runs where there are any."""
    phones = {phone.serial: phone.record for phone in plan.phones}
    jobs: list[PlannedJob] = []
    known = attempts = 0
    for job in plan.jobs:
        past_time = past.of(job.spec.content, [phones[serial] for serial in job.candidates])
        if past_time is not None:
            job = replace(job, estimate_s=past_time[0])
            known, attempts = known + 1, max(attempts, past_time[1])
        jobs.append(job)
    words = RULE_OF_THUMB
    if known and known == len(plan.placed):
        words = f"by up to {attempts} past attempts of the same kind on phones like these"
    elif known:
        words = (
            f"{known} of {len(plan.placed)} jobs by past attempts, the others by a rule of thumb"
        )
    return replace(plan, jobs=tuple(jobs), time=Estimate(makespan_s(jobs), words, attempts))
