"""What an engine asks about the jobs of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.lab.attempt.state import AttemptRequest
from harness.lab.known_jobs import KnownJobs
from harness.lab.ledger.ledger import Ledger
from harness.lab.planning.materials import Materials
from harness.lab.ports import LabPhone
from harness.lab.scheduling.engine import RunAttempt
from harness.results.files import StoreError
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder
from harness.scenario.client_jobs import deployed_task, model_task, pruned_task, sent_task
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task

_MODELS_BEFORE: Final = 3
"""So many models before a round's own are taken off a phone that still has them."""


class RunAssignments:
    """`harness.lab.scheduling.engine.Assignments` of a run.

    Args:
        jobs: What the run has to do.
        folder: The run folder.
        ledger: Which attempts have finished.
        materials: Models and recordings.
        keep: Leave on the phones what was put there.
    """

    def __init__(
        self,
        jobs: KnownJobs,
        folder: RunFolder,
        ledger: Ledger,
        materials: Materials,
        keep: bool,
    ) -> None:
        self._folder = folder
        self._ledger = ledger
        self._materials = materials
        self._keep = keep
        self._jobs = jobs

    def wants(self, phone: LabPhone) -> bool:
        """See `Assignments`."""
        return self._jobs.wants(phone)

    def request(self, order: RunAttempt, phone: LabPhone) -> AttemptRequest:
        """See `Assignments`."""
        job = self._jobs[order.job_id]
        spec = job.spec
        if job.task.beside is not None:
            checkpoint = self._kept_checkpoint(job.task.beside)
        else:
            checkpoint = self._made_on_host(job.task)
        return AttemptRequest(
            run_id=self._folder.run_id,
            spec=spec,
            attempt=order.attempt,
            phone=phone,
            material=self._materials.material(job.needs, checkpoint),
            goal=job.needs.goal,
            gates=job.needs.gates,
            folder=self._folder.attempt(spec.job_id, order.attempt),
            keep=self._keep,
            # A round's speech leaves the phone with the round (MobileASR, section 3.3); where
            # there is but one, the next job of the same speaker needs no second push.
            forget_speech=spec.rounds > 1,
            rejoin=order.rejoin,
            outdated=self._outdated(spec),
        )

    def _outdated(self, spec: JobSpec) -> tuple[str, ...]:
        """Return the models of earlier rounds, which a phone would else gather one by one."""
        if spec.client is None or spec.client.turn:
            return ()
        newest = spec.client.round - (spec.client.role == "train")
        names = []
        # not the start: it may have lain there before the run
        for round_ in range(max(1, newest - _MODELS_BEFORE), newest):
            federation = spec.client.federation
            made = TaskFolder(self._folder.path, model_task(federation, round_)).path
            written = made.parent.glob(f"{sent_task(federation, round_)}*")
            parts = (pruned_task(federation, round_), deployed_task(federation, round_))
            for folder in (made, *written, *(made.with_name(part) for part in parts)):
                path = TaskFolder(self._folder.path, folder.name).checkpoint_path
                if path.is_file():
                    names.append(self._materials.start_of(path).name)
        return tuple(names)

    def _made_on_host(self, task: Task) -> Path | None:
        """Return the weights that a parent on the host left for its children; None if none did."""
        made = (TaskFolder(self._folder.path, parent).checkpoint_path for parent in task.parents)
        return next((path for path in made if path.is_file()), None)

    def _kept_checkpoint(self, job_id: str) -> Path | None:
        """Return what the round before kept; None for its start.

        Raises:
            StoreError: It has not finished.
        """
        done = [row for row in self._ledger.attempts(job_id) if row.state == "finished"]
        if not done:
            raise StoreError(f"{self._folder.path}: the round before, {job_id}, has not finished")
        path = self._folder.attempt(job_id, done[-1].attempt).checkpoint_path
        # A round that was stopped before its first epoch kept none: this one starts as it did.
        return path if path.is_file() else None
