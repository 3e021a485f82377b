"""Which phones a job may run on, and what is said of jobs that fit none (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.devices.requirements import match
from harness.devices.unmet import Unmet, some_of, unmet
from harness.lab.planning.needs import JobNeeds
from harness.lab.ports import LabPhone
from harness.scenario.identity import canonical_json
from harness.scenario.spec import JobSpec

_NAMED: Final = 4
"""So many jobs that fit no phone for one reason are named; the others are counted."""


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
    """Return ``jobs`` with every ``each: true`` job made one job a phone that fits.

    The phone becomes an axis (``phones.serial``) and part of the job's identity. A job that too few
    phones fit stays as it is.
    """
    spread: list[JobNeeds] = []
    for job in jobs:
        fitting = fitting_phones(job.spec, phones)
        if not job.demands.each or too_few(job.spec, fitting):
            spread.append(job)
        else:
            spread += [job.on_phone(phone.serial) for phone in fitting]
    return [
        replace(job, spec=job.spec.model_copy(update={"index": index}))
        for index, job in enumerate(spread)
    ]


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
