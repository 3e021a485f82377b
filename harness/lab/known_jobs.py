"""The jobs that a run knows, also those that come while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from harness.lab.planning.plan import PlannedJob
from harness.lab.ports import LabPhone


class KnownJobs:
    """Jobs by their names; used from many threads.

    Args:
        jobs: What the run has to do when it begins.
    """

    def __init__(self, jobs: Sequence[PlannedJob]) -> None:
        self._jobs: dict[str, PlannedJob] = {}
        self._asked: dict[str, PlannedJob] = {}
        """One job for each kind of phone that is wanted."""
        self.add(jobs)

    def add(self, jobs: Sequence[PlannedJob]) -> None:
        """Know jobs that come later."""
        self._jobs.update({job.spec.job_id: job for job in jobs})
        self._asked.update({job.demands: job for job in jobs})

    def __getitem__(self, job_id: str) -> PlannedJob:
        """Return a job of the run."""
        return self._jobs[job_id]

    def candidates(self) -> set[str]:
        """Return the serials of all phones that may get a job."""
        return {serial for job in self._jobs.values() for serial in job.candidates}

    def wants(self, phone: LabPhone) -> bool:
        """Say whether there is a job for a phone that came later."""
        return any(job.welcomes(phone) for job in list(self._asked.values()))
