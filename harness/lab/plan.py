"""Which phones a job may run on, what it will need, and roughly how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.devices.gates import parse_gates
from harness.devices.requirements import Demands, match, parse_demands, why_none
from harness.errors import NoPhoneError
from harness.lab.dispatch import Ticket
from harness.lab.failures import RETRY_FIELDS
from harness.lab.materials import Materials
from harness.lab.ports import LabPhone
from harness.pressure import Goal
from harness.results.run import PlanRecord
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent, Retry
from harness.scenario.spec import JobSpec

OVERHEAD_S: Final = 12.0
"""Gate, push, settling of the pressure, start of the runtime, collection: measured on virtual
phones; a real one takes longer for its first push."""
UTTERANCE_S: Final = 0.02
UTTERANCE_S_PER_MPARAM: Final = 0.005
"""Seconds of training an utterance of some 3 s, all layers, two threads: fits 2.3 s an epoch of 60
at 1.73 M parameters and 2.13 s a step of 5 utterances of 10 s at 30.2 M (MODEL.md 3 and 5)."""
EVALUATE_SHARE: Final = 0.35
"""An utterance costs this much of its training step to evaluate."""


@dataclass(frozen=True)
class PlannedJob:
    """A job with what the plan says of it."""

    spec: JobSpec
    candidates: tuple[str, ...]
    """Serials of the phones that fit."""
    goal: Goal | None
    need_mb: dict[str, float]
    trainer_base_mb: float
    estimate_s: float
    warnings: tuple[str, ...] = ()

    def record(self) -> PlanRecord:
        """Return it as ``run.json`` holds it."""
        content = self.spec.content
        return PlanRecord(
            job_id=self.spec.job_id,
            identity=self.spec.identity,
            axes=self.spec.axes,
            repeat=self.spec.repeat,
            round=self.spec.round,
            depends_on=self.spec.depends_on,
            speaker=content.data.speaker,
            batch_size=content.trainer.batch_size,
            epochs=content.trainer.epochs,
            sub_model=content.trainer.sub_model,
            pressure="none" if self.goal is None else self.goal.text,
            candidates=self.candidates,
            need_mb=self.need_mb,
            estimate_s=self.estimate_s,
        )

    def ticket(self, retry: Retry) -> Ticket:
        """Return it as the dispatcher takes it."""
        retries = retry.model_dump()
        return Ticket(
            job_id=self.spec.job_id,
            index=self.spec.index,
            candidates=frozenset(self.candidates),
            depends_on=self.spec.depends_on,
            group=push_group(self.spec.content),
            retries={kind: retries[name] for name, kind in RETRY_FIELDS.items()},
            skips_shut=parse_gates(self.spec.content.gates).mode == "skip",
        )


@dataclass(frozen=True)
class Plan:
    """All jobs, and the phones that at least one of them may use."""

    jobs: tuple[PlannedJob, ...]
    phones: tuple[LabPhone, ...]
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Serial -> why no job takes that phone."""

    @property
    def estimate_s(self) -> float:
        """Rough time for all jobs, the phones side by side."""
        total = sum(job.estimate_s for job in self.jobs)
        return max(total / max(1, len(self.phones)), max(j.estimate_s for j in self.jobs))


def push_group(content: JobContent) -> str:
    """Return what must lie on the phone for a job: jobs of one group need no push in between."""
    return canonical_json(
        [
            content.model.model_dump(mode="json"),
            content.trainer.batch_size,
            content.data.model_dump(mode="json"),
        ]
    )


def make_plan(specs: Sequence[JobSpec], phones: Sequence[LabPhone], materials: Materials) -> Plan:
    """Match jobs with phones.

    ``count: n`` keeps a job to n phones and asks for all of them to be there.

    Raises:
        NoPhoneError: A job fits no phone: what was wanted and what is there.
        InputError: A job names something that is not there.
    """
    planned: list[PlannedJob] = []
    for spec in specs:
        demands = parse_demands(spec.content.phones)
        found = fitting_phones(spec, phones)
        if not found or (demands.count is not None and len(found) < demands.count):
            raise NoPhoneError(_why_none(spec, demands, phones))
        planned.append(_planned(spec, found, materials))
    used = {serial for job in planned for serial in job.candidates}
    return Plan(
        jobs=tuple(planned),
        phones=tuple(phone for phone in phones if phone.serial in used),
        unfit={p.serial: "no job asks for a phone like it" for p in phones if p.serial not in used},
    )


def one_for_each(specs: Sequence[JobSpec], phones: Sequence[LabPhone]) -> list[JobSpec]:
    """Return ``specs`` with every ``each: true`` job made one job a phone that fits.

    The phone becomes an axis (``phones.serial``) and part of the job's identity.

    Raises:
        NoPhoneError: Fewer phones fit than such a job asks for.
    """
    found: list[JobSpec] = []
    for spec in specs:
        demands = parse_demands(spec.content.phones)
        if not demands.each:
            found.append(spec)
            continue
        chosen = fitting_phones(spec, phones)
        if not chosen or (demands.count is not None and len(chosen) < demands.count):
            raise NoPhoneError(_why_none(spec, demands, phones))
        found += [spec.on_phone(phone.serial) for phone in chosen]
    return [spec.model_copy(update={"index": index}) for index, spec in enumerate(found)]


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


def _why_none(spec: JobSpec, demands: Demands, phones: Sequence[LabPhone]) -> str:
    infos = [phone.info for phone in phones]
    text = f"job {spec.job_id}: {why_none(demands, infos)}"
    if spec.avoid:
        text += f"\n  and the matrix excludes {', '.join(map(str, spec.avoid))}"
    return text


def _planned(spec: JobSpec, fitting: Sequence[LabPhone], materials: Materials) -> PlannedJob:
    content = spec.content
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
        spec=spec,
        candidates=tuple(phone.serial for phone in fitting),
        goal=goal,
        need_mb=need.mb,
        trainer_base_mb=model.manifest.trainer_base_mb,
        estimate_s=_estimate_s(content, parameters),
        warnings=tuple(warnings),
    )


def _estimate_s(content: JobContent, parameters_m: float) -> float:
    train, validation = content.data.train or 60, content.data.validation or 20
    utterance_s = UTTERANCE_S + UTTERANCE_S_PER_MPARAM * parameters_m
    if content.data.style == "full":
        utterance_s *= 3
    epoch_s = utterance_s * (train + EVALUATE_SHARE * validation)
    return OVERHEAD_S + content.trainer.epochs * epoch_s + EVALUATE_SHARE * validation * utterance_s


def with_candidates(job: PlannedJob, serials: Sequence[str]) -> PlannedJob:
    """Return ``job`` kept to the phones that could be leased."""
    return replace(job, candidates=tuple(s for s in job.candidates if s in serials))
