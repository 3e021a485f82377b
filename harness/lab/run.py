"""One process's work on one run: the jobs it was given, on the phones that it leased."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.crew import Crew, EngineMaker
from harness.lab.dispatch import Dispatcher
from harness.lab.engine import Engine
from harness.lab.joining import joining
from harness.lab.leases import Lease
from harness.lab.ledger import Ledger
from harness.lab.phone_notes import RENEW_S
from harness.lab.planning.heat import queue_order
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import PlannedJob
from harness.lab.ports import Progress
from harness.lab.scheduler import Rules, Scheduler
from harness.lab.summary import RunSummary, summary
from harness.lab.threads import ThreadEngine
from harness.results.files import StoreError
from harness.results.model import PhoneRecord
from harness.results.store import RunFolder
from harness.scenario import Scenario

HEARTBEAT_S: Final = 15.0


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

    def go(
        self,
        jobs: Sequence[PlannedJob],
        leases: Mapping[str, Lease],
        rejoin: Mapping[str, tuple[str, int]] | None = None,
        engine: EngineMaker | None = None,
    ) -> RunSummary:
        """Work until nothing is left to do here; see `Scheduler.run` for Ctrl-C.

        Args:
            jobs: What is left to do.
            leases: Serial -> lease of the phones that take part.
            rejoin: Serial -> (job, attempt) that may still run there.
            engine: Who carries out orders; None for threads of this process.
        """
        crew = Crew(self, jobs)
        leases = dict(leases)
        phones = [phone for phone in self.bench.phones if phone.serial in leases]
        dispatcher = Dispatcher(
            [job.ticket(self.scenario.retry) for job in jobs],
            [phone.serial for phone in phones],
            finished_on=self._finished_on({phone.serial for phone in phones}),
            order=queue_order(self.scenario),
        )
        for serial, (job_id, _) in (rejoin or {}).items():
            dispatcher.adopt(job_id, serial)
        made: Engine = ThreadEngine(crew, phones) if engine is None else engine(crew, phones)
        scheduler = Scheduler(
            dispatcher=dispatcher,
            ledger=self.ledger,
            engine=made,
            owner=self.owner,
            stop=self.stop,
            clock=self.bench.clock,
            progress=self.progress,
            rules=Rules(
                step_limit_s=crew.step_limit_s,
                fits=crew.fits,
                recover_s=self.scenario.limits.lost_s,
                rejoin=rejoin or {},
                finished=crew.finished,
                prepared=crew.prepared,
            ),
        )
        look = self.bench.look
        with ExitStack() as stack:
            if look is not None and isinstance(made, ThreadEngine):
                stack.enter_context(joining(look, crew, made, leases))
            stack.enter_context(self._heartbeat(leases, crew))
            try:
                scheduler.run()
            finally:
                made.close()
                self._close(crew)
        return summary(self.folder, self.ledger, interrupted=self.stop.requested, notes=crew.notes)

    def kept_checkpoint(self, job_id: str) -> Path | None:
        """Return what the round before kept; None for its start.

        Raises:
            StoreError: It has not finished.
        """
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

    @contextmanager
    def _heartbeat(self, leases: Mapping[str, Lease], crew: Crew) -> Iterator[None]:
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEW_S):
                crew.say_alive()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                self.ledger.heartbeat(self.owner)
                for lease in list(leases.values()):
                    lease.heartbeat()

        threads = [
            threading.Thread(target=one, name="heartbeat", daemon=True) for one in (beat, renew)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            threads[0].join()  # the other may wait for a phone, and only says that we live

    def _close(self, crew: Crew) -> None:
        over = not self.ledger.jobs("waiting", "queued", "running")
        self.write_phones(crew.seen)
        record = self.folder.record()
        self.folder.write_record(
            record.model_copy(
                update={
                    "finished_utc": self.bench.clock.utc() if over else None,
                    "interrupted": self.stop.requested,
                    "notes": (*record.notes, *crew.notes),
                }
            )
        )

    def write_phones(self, seen: Mapping[str, PhoneRecord]) -> None:
        """Write down what phones can do, in the order of the run's record; new ones at the end."""
        record = self.folder.record()
        known = {phone.serial for phone in record.phones}
        phones = [seen.get(phone.serial, phone) for phone in record.phones]
        phones += [phone for serial, phone in seen.items() if serial not in known]
        origins = tuple(sorted({phone.origin for phone in phones}))
        self.folder.write_record(
            record.model_copy(update={"phones": tuple(phones), "origins": origins})
        )
