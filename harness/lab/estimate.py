"""How long a plan takes, by what the same jobs took in past runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from harness.errors import HarnessError
from harness.lab.ledger import Ledger
from harness.lab.plan import RULE_OF_THUMB, Estimate, Plan, PlannedJob, makespan_s
from harness.results.model import AttemptResult
from harness.results.store import RunFolder
from harness.scenario.identity import canonical_json
from harness.scenario.schema import JobContent

NEWEST = 20
"""So many past runs are read."""


@dataclass
class PastTimes:
    """What attempts took, by profile and kind of job.

    Attributes:
        found: (profile, kind) -> (seconds an epoch, seconds beside the epochs) of each attempt.
    """

    found: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> PastTimes:
        """Read the newest runs below ``root``; what is damaged is passed over."""
        times = cls()
        newest = sorted(root.glob("*/run.json"), key=lambda path: path.stat().st_mtime)[-NEWEST:]
        for path in newest:
            with contextlib.suppress(HarnessError):
                times.add(RunFolder(path.parent))
        return times

    def add(self, folder: RunFolder) -> None:
        """Add a run's finished attempts.

        Raises:
            StoreError: The run folder is damaged.
        """
        if not folder.ledger_path.is_file():
            return
        with Ledger.open(folder.ledger_path) as ledger:
            contents = {spec.job_id: spec.content for spec in ledger.specs()}
        for result in folder.results():
            content = contents.get(result.job_id)
            trained = max((epoch.epoch for epoch in result.epochs), default=0)
            if content is None or result.status != "finished" or not result.minutes_per_epoch:
                continue
            self._add(result, content, trained)

    def _add(self, result: AttemptResult, content: JobContent, trained: int) -> None:
        epoch_s = (result.minutes_per_epoch or 0.0) * 60
        beside_s = max(0.0, result.seconds - trained * epoch_s)
        key = (result.phone.profile, _kind(content))
        self.found.setdefault(key, []).append((epoch_s, beside_s))

    def of(self, content: JobContent, profiles: Sequence[str]) -> tuple[float, int] | None:
        """Return (seconds, attempts that it comes from) for a job on phones of these profiles."""
        kind = _kind(content)
        known = [one for name in set(profiles) for one in self.found.get((name, kind), ())]
        if not known:
            return None
        epoch_s = median(one[0] for one in known)
        return median(one[1] for one in known) + content.trainer.epochs * epoch_s, len(known)


def _kind(content: JobContent) -> str:
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
    profiles = {phone.serial: phone.record.profile for phone in plan.phones}
    jobs: list[PlannedJob] = []
    known = attempts = 0
    for job in plan.jobs:
        found = past.of(job.spec.content, [profiles[one] for one in job.candidates])
        if found is not None:
            job = replace(job, estimate_s=found[0])
            known, attempts = known + 1, max(attempts, found[1])
        jobs.append(job)
    words = RULE_OF_THUMB
    if known and known == len(plan.placed):
        words = f"by up to {attempts} past attempts of the same kind on the same profile"
    elif known:
        words = (
            f"{known} of {len(plan.placed)} jobs by past attempts, the others by a rule of thumb"
        )
    return replace(plan, jobs=tuple(jobs), time=Estimate(makespan_s(jobs), words, attempts))
