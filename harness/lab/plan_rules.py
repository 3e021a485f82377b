"""What the scheduler asks about the jobs of a run, and what it tells of the phones in it."""

from __future__ import annotations

import threading
from typing import Final

from harness.lab.attempt.teller import WAITS
from harness.lab.known_jobs import KnownJobs
from harness.lab.ports import LabPhone
from harness.lab.scheduling.demand import Ticket
from harness.results.store import RunFolder
from harness.scenario import JobContent

STEP_SLACK: Final = 1.5
STEP_SLACK_S: Final = 180.0
"""Over its own limit, a step may take this much longer before its host counts as hanging."""


class PlanRules:
    """Answers from a plan and its run folder.

    Args:
        jobs: What the run has to do.
        folder: The run folder.
        record_lock: Held while ``run.json`` is read and written anew.
    """

    def __init__(self, jobs: KnownJobs, folder: RunFolder, record_lock: threading.Lock) -> None:
        self.notes: list[str] = []
        """For the run's record."""
        self._jobs = jobs
        self._folder = folder
        self._record_lock = record_lock
        self._seen: dict[str, LabPhone] = {}
        """Phones that took part, with what they can do."""
        self._expected = jobs.candidates()

    def phones(self) -> list[LabPhone]:
        """Return the phones that take part, with what they can do; from any thread."""
        return list(self._seen.values())

    def step_limit_s(self, job_id: str, step: str) -> float:
        """Return after how long in a step the phone's host must hang (see `step_limit_s`)."""
        return step_limit_s(self._jobs[job_id].spec.content, step)

    def finished(self, job_id: str, attempt: int) -> bool:
        """Say whether an attempt has left a good result."""
        folder = self._folder.attempt(job_id, attempt)
        return folder.result_path.is_file() and folder.result().failure is None

    def fits(self, ticket: Ticket, phone: LabPhone) -> bool:
        """Say whether a phone that came later may take a job."""
        return self._jobs[ticket.job_id].welcomes(phone)

    def prepared(self, phone: LabPhone, notes: tuple[str, ...]) -> None:
        """Remember a phone that takes part; once all do, the run's record says what they can."""
        self.notes.extend(notes)
        self._seen[phone.serial] = phone
        self._expected.discard(phone.serial)
        if not self._expected:
            self.write_phones()

    def write_phones(self) -> None:
        """Write down what phones can do, in the order of the run's record; new ones at the end."""
        seen = {phone.serial: phone.record for phone in self.phones()}
        with self._record_lock:
            record = self._folder.record()
            known = {phone.serial for phone in record.phones}
            phones = [seen.get(phone.serial, phone) for phone in record.phones]
            phones += [phone for serial, phone in seen.items() if serial not in known]
            origins = tuple(sorted({phone.origin for phone in phones}))
            self._folder.write_record(
                record.model_copy(update={"phones": tuple(phones), "origins": origins})
            )


def step_limit_s(content: JobContent, step: str) -> float:
    """Return after how long in a step an attempt must hang: each ends by a limit of its own before.

    Scoring has no phone in it and no limit; the release tries for a lost phone what it can. A phone
    that waits for others of its hub waits as long as these take. After a colon a step says more.
    """
    if step == WAITS:
        return float("inf")
    limits = content.limits
    own = {
        "gate": limits.gate_s,
        "provision": limits.provision_s,
        "press": limits.pressure_s,
        "train": limits.train_s + limits.start_s + limits.lost_s,
        "collect": limits.collect_s + limits.lost_s,
        "release": limits.lost_s,
    }
    return own.get(step.partition(":")[0], 0.0) * STEP_SLACK + STEP_SLACK_S + limits.lost_s
