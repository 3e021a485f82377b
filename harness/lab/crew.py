"""What one run does to phones, and what it knows of its jobs: for an engine to call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from harness.adb.errors import AdbError
from harness.lab.attempt import WAITS, run_attempt
from harness.lab.attempt_state import AttemptEnd, AttemptRequest
from harness.lab.dispatch import Ticket
from harness.lab.engine import Engine, RunAttempt
from harness.lab.phone_notes import Claim, hold, let_go, renew
from harness.lab.plan import PlannedJob
from harness.lab.ports import LabPhone
from harness.lab.score import host_scorer
from harness.lab.threads import AT_ONCE, check_phone, prepare_phone
from harness.results.model import PhoneRecord
from harness.scenario import JobContent

if TYPE_CHECKING:
    from harness.lab.run import Run


class Crew:
    """Does the orders of one run on phones within reach, and knows its jobs (`Assignments`).

    Args:
        run: The run.
        jobs: What it has to do.
    """

    def __init__(self, run: Run, jobs: Sequence[PlannedJob]) -> None:
        self.run = run
        self.notes: list[str] = []
        self.seen: dict[str, PhoneRecord] = {}
        """Phones that took part, with what they can do."""
        self.claim = Claim.of(run.owner, str(run.folder.path), run.bench.lease_root)
        self._held: dict[str, LabPhone] = {}
        """Phones that carry the run's note."""
        self._jobs = {job.spec.job_id: job for job in jobs}
        self._asked = {job.demands: job for job in jobs}
        """One job for each kind of phone that is wanted."""
        self._expected = {serial for job in jobs for serial in job.candidates}
        self._phones: dict[str, LabPhone] = {}

    def add(self, jobs: Sequence[PlannedJob]) -> None:
        """Know jobs that come later; from any thread."""
        self._jobs.update({job.spec.job_id: job for job in jobs})
        self._asked.update({job.demands: job for job in jobs})

    def job(self, job_id: str) -> PlannedJob:
        """Return a job of the run."""
        return self._jobs[job_id]

    def phones(self) -> list[LabPhone]:
        """Return the phones that take part, with what they can do; from any thread."""
        return list(self._phones.values())

    # -- what the scheduler asks ------------------------------------------------------------------

    def step_limit_s(self, job_id: str, step: str) -> float:
        """Return after how long in a step the phone's host must hang (see `step_limit_s`)."""
        return step_limit_s(self._jobs[job_id].spec.content, step)

    def finished(self, job_id: str, attempt: int) -> bool:
        """Say whether an attempt has left a good result."""
        folder = self.run.folder.attempt(job_id, attempt)
        return folder.result_path.is_file() and folder.result().failure is None

    def prepared(self, phone: LabPhone, notes: tuple[str, ...]) -> None:
        """Remember a phone that takes part; once all do, the run's record says what they can."""
        self.notes.extend(notes)
        self.seen[phone.serial] = phone.record
        self._phones[phone.serial] = phone
        self._expected.discard(phone.serial)
        if not self._expected:
            self.run.write_phones(self.seen)

    def fits(self, ticket: Ticket, phone: LabPhone) -> bool:
        """Say whether a phone that came later may take a job."""
        return self._jobs[ticket.job_id].welcomes(phone)

    def wants(self, phone: LabPhone) -> bool:
        """Say whether there is a job for a phone that came later."""
        return any(job.welcomes(phone) for job in self._asked.values())

    # -- what an engine asks ----------------------------------------------------------------------

    def request(self, order: RunAttempt, phone: LabPhone) -> AttemptRequest:
        """See `harness.lab.engine.Assignments`."""
        run, job = self.run, self._jobs[order.job_id]
        spec = job.spec
        checkpoint = None
        if job.task.beside is not None:
            checkpoint = run.kept_checkpoint(job.task.beside)
        return AttemptRequest(
            run_id=run.folder.run_id,
            spec=spec,
            attempt=order.attempt,
            phone=phone,
            material=run.materials.material(spec, checkpoint),
            goal=job.goal,
            folder=run.folder.attempt(spec.job_id, order.attempt),
            keep=run.keep,
            # A round's speech leaves the phone with the round (MobileASR, section 3.3); where
            # there is but one, the next job of the same speaker needs no second push.
            forget_speech=spec.rounds > 1,
            rejoin=order.rejoin,
        )

    # -- what is done on this host's phones: `harness.lab.threads.Work` ---------------------------

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        """See `Work`."""
        hold(self.run.bench.tools, phone, self.claim)
        self._held[phone.serial] = phone
        return prepare_phone(self.run.bench.tools, phone, keep=keep)

    def attempt(
        self, order: RunAttempt, phone: LabPhone, on_step: Callable[[str], None]
    ) -> AttemptEnd | None:
        """See `Work`."""
        run = self.run
        return run_attempt(
            self.request(order, phone),
            tools=run.bench.tools,
            scorer=host_scorer,
            stop=run.stop,
            clock=run.bench.clock,
            progress=run.progress,
            on_step=on_step,
        )

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        """See `Work`."""
        hold(self.run.bench.tools, phone, self.claim)  # a phone that was away is nobody's
        self.run.bench.tools.clean(phone, speech=False)
        if thorough:
            check_phone(self.run.bench.tools, phone)

    def leave(self, phone: LabPhone) -> None:
        """See `Work`."""
        if not self.run.keep:
            self.run.bench.tools.clean(phone, speech=True)
        self._held.pop(phone.serial, None)
        let_go(self.run.bench.tools, phone, self.claim)

    def say_alive(self) -> None:
        """Renew the notes on the phones, some at a time; a phone that is away is passed over."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="renew") as pool:
            for told in pool.map(self._renew, list(self._held.values())):
                if told:
                    self.run.progress.note(told)

    def _renew(self, phone: LabPhone) -> str:
        try:
            if renew(self.run.bench.tools, phone, self.claim):
                return ""
        except AdbError:
            return ""
        if self._held.pop(phone.serial, None) is None:
            return ""  # it has just left
        return f"{phone.serial}: the note that this run holds it is gone or another host's."


EngineMaker = Callable[[Crew, Sequence[LabPhone]], Engine]
"""(the run's jobs and what to do with them, the leased phones) -> who carries out orders."""

STEP_SLACK: Final = 1.5
STEP_SLACK_S: Final = 180.0
"""Over its own limit, a step may take this much longer before its host counts as hanging."""


def step_limit_s(content: JobContent, step: str) -> float:
    """Return after how long in a step an attempt must hang: each ends by a limit of its own before.

    Scoring has no phone in it and no limit; the release tries for a lost phone what it can. A phone
    that waits for others of its hub waits as long as these take.
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
    return own.get(step, 0.0) * STEP_SLACK + STEP_SLACK_S + limits.lost_s
