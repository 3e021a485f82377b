"""One process's work on one run: the jobs it was given, on the phones that it leased."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.adb.errors import AdbError
from harness.lab.attempt import run_attempt
from harness.lab.attempt_state import AttemptEnd, AttemptRequest
from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.dispatch import Dispatcher
from harness.lab.leases import Lease
from harness.lab.ledger import Ledger
from harness.lab.materials import Materials
from harness.lab.plan import PlannedJob
from harness.lab.ports import LabPhone, Progress
from harness.lab.scheduler import Scheduler, Work
from harness.lab.score import host_scorer
from harness.lab.summary import RunSummary, summary
from harness.results.files import StoreError
from harness.results.store import RunFolder
from harness.scenario import Scenario

HEARTBEAT_S: Final = 15.0
_AT_ONCE: Final = 8


@dataclass(frozen=True)
class Run:
    """One process's work on one run."""

    scenario: Scenario
    folder: RunFolder
    ledger: Ledger
    bench: Bench
    materials: Materials
    owner: str
    stop: StopSignal
    progress: Progress
    keep: bool

    def go(self, jobs: Sequence[PlannedJob], leases: Mapping[str, Lease]) -> RunSummary:
        """Work until nothing is left to do here; see `Scheduler.run` for Ctrl-C."""
        by_id = {job.spec.job_id: job for job in jobs}
        phones = [phone for phone in self.bench.phones if phone.serial in leases]
        notes: list[str] = []
        ready = self._prepare_all(phones, notes)
        dispatcher = Dispatcher(
            [job.ticket(self.scenario.retry) for job in jobs],
            [phone.serial for phone in ready],
            finished_on=self._finished_on({phone.serial for phone in ready}),
            keep_groups=self.scenario.order == "fewest-pushes",
        )
        scheduler = Scheduler(
            dispatcher=dispatcher,
            ledger=self.ledger,
            phones=ready,
            work=Work(
                attempt=lambda job_id, n, phone, on_step: self._attempt(
                    by_id[job_id], n, phone, on_step
                ),
                recover=self._recover,
                leave=self._leave,
            ),
            owner=self.owner,
            stop=self.stop,
            clock=self.bench.clock,
            progress=self.progress,
            recover_s=self.scenario.limits.lost_s,
        )
        with self._heartbeat(leases):
            try:
                scheduler.run()
            finally:
                self._close(notes)
        return summary(self.folder, self.ledger, interrupted=self.stop.requested, notes=notes)

    def _prepare_all(self, phones: Sequence[LabPhone], notes: list[str]) -> list[LabPhone]:
        """Return the phones that take part, in order, and write down what they can do."""
        if not phones:
            return []
        with ThreadPoolExecutor(min(_AT_ONCE, len(phones)), thread_name_prefix="prepare") as pool:
            ready = [
                one for one in pool.map(lambda phone: self._prepare(phone, notes), phones) if one
            ]
        known = {phone.serial: phone.record for phone in ready}
        record = self.folder.record()
        probed = tuple(known.get(phone.serial, phone) for phone in record.phones)
        self.folder.write_record(record.model_copy(update={"phones": probed}))
        return ready

    def _prepare(self, phone: LabPhone, notes: list[str]) -> LabPhone | None:
        """Record the lease, undo what an owner before may have left, see what the phone can do."""
        self.ledger.lease(
            phone.serial,
            adb_server=phone.info.adb_server,
            adb_serial=phone.record.adb_serial,
            work_dir=phone.work_dir,
            owner=self.owner,
        )
        try:
            notes.extend(self.bench.tools.clean(phone, speech=False))
            found = self.bench.tools.probe(phone)
        except AdbError as error:
            self.ledger.release(phone.serial, "did not answer")
            notes.append(f"{phone.serial} does not take part: {error}")
            self.progress.note(notes[-1])
            return None
        return replace(phone, info=phone.info.model_copy(update={"capabilities": found}))

    def _attempt(
        self, job: PlannedJob, number: int, phone: LabPhone, on_step: Callable[[str], None]
    ) -> AttemptEnd:
        spec = job.spec
        checkpoint = None
        if spec.depends_on is not None:
            checkpoint = self._kept_checkpoint(spec.depends_on)
        request = AttemptRequest(
            run_id=self.folder.run_id,
            spec=spec,
            attempt=number,
            phone=phone,
            material=self.materials.material(spec, checkpoint),
            goal=job.goal,
            folder=self.folder.attempt(spec.job_id, number),
            keep=self.keep,
            # A round's speech leaves the phone with the round (MobileASR, section 3.3); where
            # there is but one, the next job of the same speaker needs no second push.
            forget_speech=spec.rounds > 1,
        )
        return run_attempt(
            request,
            tools=self.bench.tools,
            scorer=host_scorer,
            stop=self.stop,
            clock=self.bench.clock,
            progress=self.progress,
            on_step=on_step,
        )

    def _kept_checkpoint(self, job_id: str) -> Path | None:
        done = [row for row in self.ledger.attempts(job_id) if row.state == "finished"]
        if not done:
            raise StoreError(f"{self.folder.path}: the round before, {job_id}, has not finished")
        path = self.folder.attempt(job_id, done[-1].attempt).checkpoint_path
        # A round that was stopped before its first epoch kept none: this one starts as it did.
        return path if path.is_file() else None

    def _finished_on(self, here: set[str]) -> dict[str, str | None]:
        return {
            row.job_id: row.serial if row.serial in here else None
            for row in self.ledger.attempts(state="finished")
        }

    def _recover(self, phone: LabPhone) -> None:
        self.bench.tools.clean(phone, speech=False)

    def _leave(self, phone: LabPhone) -> None:
        if not self.keep:
            self.bench.tools.clean(phone, speech=True)

    @contextmanager
    def _heartbeat(self, leases: Mapping[str, Lease]) -> Iterator[None]:
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                self.ledger.heartbeat(self.owner)
                for lease in leases.values():
                    lease.heartbeat()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _close(self, notes: Sequence[str]) -> None:
        record = self.folder.record()
        over = not self.ledger.jobs("waiting", "queued", "running")
        self.folder.write_record(
            record.model_copy(
                update={
                    "finished_utc": self.bench.clock.utc() if over else None,
                    "interrupted": self.stop.requested,
                    "notes": (*record.notes, *notes),
                }
            )
        )
