"""How long a plan takes, and how warm its jobs make phones, by the same jobs in past runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from harness.errors import HarnessError
from harness.lab.ledger import Ledger
from harness.lab.plan import RULE_OF_THUMB, Estimate, Plan, PlannedJob, makespan_s
from harness.results.model import PhoneRecord
from harness.results.store import AttemptFolder, RunFolder
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent

NEWEST: Final = 20
"""So many past runs are read."""
ENOUGH: Final = 2000
"""After so many attempts no further one is read: a third of a millisecond each."""


@dataclass
class PastTimes:
    """What attempts took, by kind of phone and kind of job.

    Attributes:
        found: (phone, job) -> (seconds an epoch, seconds beside the epochs) of each attempt.
        rises: (phone, job and its epochs) -> how much warmer the battery was at its end than at
            its beginning, °C.
    """

    found: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    rises: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, *, heat: bool = False) -> PastTimes:
        """Read the newest runs below ``root``; what is damaged is passed over.

        Args:
            root: Folder of run folders.
            heat: Also read temperatures, from the samples.
        """
        times = cls()
        runs = sorted(root.glob("*/run.json"), key=lambda path: path.stat().st_mtime)
        for path in reversed(runs[-NEWEST:]):
            with contextlib.suppress(HarnessError):
                times.add(RunFolder(path.parent), heat=heat)
        return times

    def add(self, folder: RunFolder, *, heat: bool = False) -> None:
        """Add a run's finished attempts, until there are `ENOUGH`.

        Raises:
            StoreError: The run folder is damaged.
        """
        if not folder.ledger_path.is_file():
            return
        with Ledger.read(folder.ledger_path) as ledger:
            contents = {
                task.task_id: task.job.content for task in ledger.tasks() if task.kind == "phone"
            }
        left = ENOUGH - sum(map(len, self.found.values()))
        for attempt in islice(folder.attempts(), max(0, left)):
            result = attempt.result()
            content = contents.get(result.job_id)
            if content is None or result.status != "finished" or not result.minutes_per_epoch:
                continue
            phone, job = phone_kind(result.phone), kind_of(content)
            trained = max((epoch.epoch for epoch in result.epochs), default=0)
            epoch_s = result.minutes_per_epoch * 60
            beside_s = max(0.0, result.seconds - trained * epoch_s)
            self.found.setdefault((phone, job), []).append((epoch_s, beside_s))
            rise = rise_c(attempt) if heat else None
            if rise is not None:
                self.rises.setdefault((phone, heat_kind(content)), []).append(rise)

    def of(self, content: JobContent, phones: Sequence[PhoneRecord]) -> tuple[float, int] | None:
        """Return (seconds, attempts that it comes from) for a job on phones like these."""
        kind = kind_of(content)
        known = [
            one for name in set(map(phone_kind, phones)) for one in self.found.get((name, kind), ())
        ]
        if not known:
            return None
        epoch_s = median(one[0] for one in known)
        return median(one[1] for one in known) + content.trainer.epochs * epoch_s, len(known)

    def rise_c(self, content: JobContent, phones: Sequence[PhoneRecord]) -> float | None:
        """Return how much a job warms phones like these, °C; None if no attempt tells."""
        kind = heat_kind(content)
        known = [
            one for name in set(map(phone_kind, phones)) for one in self.rises.get((name, kind), ())
        ]
        return median(known) if known else None


def rise_c(attempt: AttemptFolder) -> float | None:
    """Return how much warmer the battery was at an attempt's end, °C; None if nobody looked.

    Raises:
        StoreError: Its samples are damaged.
    """
    table = attempt.samples(["battery_temperature_c"])
    warm = [one for one in table["battery_temperature_c"].to_pylist() if one is not None]
    return warm[-1] - warm[0] if len(warm) > 1 else None


def phone_kind(phone: PhoneRecord) -> str:
    """Return what makes phones alike: the profile, and whether they are real."""
    return f"{phone.origin} {phone.profile}"


def heat_kind(content: JobContent) -> str:
    """Return what decides how warm a job makes a phone: its kind, and how long it goes on."""
    return canonical_json([kind_of(content), content.trainer.epochs])


def kind_of(content: JobContent) -> str:
    """Return what decides how long an epoch takes: model, data, batch size, sub-model, RAM."""
    data, trainer = content.data, content.trainer
    return canonical_json(
        [
            content.model.label,
            [data.corpus, data.manifest, data.train, data.validation, data.style],
            [trainer.batch_size, trainer.sub_model, trainer.threads],
            content.pressure.label if content.pressure else "none",
        ]
    )


def estimated(plan: Plan, past: PastTimes) -> Plan:
    """Return ``plan`` with the times of past runs where there are any."""
    phones = {phone.serial: phone.record for phone in plan.phones}
    jobs: list[PlannedJob] = []
    known = attempts = 0
    for job in plan.jobs:
        found = past.of(job.spec.content, [phones[one] for one in job.candidates])
        if found is not None:
            job = replace(job, estimate_s=found[0])
            known, attempts = known + 1, max(attempts, found[1])
        jobs.append(job)
    words = RULE_OF_THUMB
    if known and known == len(plan.placed):
        words = f"by up to {attempts} past attempts of the same kind on phones like these"
    elif known:
        words = (
            f"{known} of {len(plan.placed)} jobs by past attempts, the others by a rule of thumb"
        )
    return replace(plan, jobs=tuple(jobs), time=Estimate(makespan_s(jobs), words, attempts))
