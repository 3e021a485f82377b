"""One process's work on one run: the jobs it was given, on the phones that it leased."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.lab.agenda import Agenda, Outcome
from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.crew import Crew, EngineMaker
from harness.lab.dispatch import Ticket
from harness.lab.engine import Engine
from harness.lab.feed import FeedProgram, TaskFeed
from harness.lab.heat import queue_order
from harness.lab.host_tasks import HostThreads
from harness.lab.joining import joining
from harness.lab.leases import Lease
from harness.lab.ledger import Ledger
from harness.lab.ledger_tables import OPEN
from harness.lab.materials import Materials
from harness.lab.phone_notes import RENEW_S
from harness.lab.plan import PlannedJob
from harness.lab.ports import Progress
from harness.lab.run_tasks import host_tasks, task_feed
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
    record_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while ``run.json`` is read and written anew."""

    def go(
        self,
        jobs: Sequence[PlannedJob],
        leases: Mapping[str, Lease],
        rejoin: Mapping[str, tuple[str, int]] | None = None,
        engine: EngineMaker | None = None,
        feed: FeedProgram | None = None,
    ) -> RunSummary:
        """Work until nothing is left to do here; see `Scheduler.run` for Ctrl-C.

        Args:
            jobs: What is left to do on phones.
            leases: Serial -> lease of the phones that take part.
            rejoin: Serial -> (job, attempt) that may still run there.
            engine: Who carries out orders; None for threads of this process.
            feed: Adds tasks while the run goes on.
        """
        crew = Crew(self, jobs)
        leases = dict(leases)
        phones = [phone for phone in self.bench.phones if phone.serial in leases]
        made: Engine = ThreadEngine(crew, phones) if engine is None else engine(crew, phones)
        tickets = [job.ticket(self.scenario.retry) for job in jobs]
        tickets += [Ticket(task) for task in self.ledger.tasks(*OPEN) if task.kind == "host"]
        agenda = Agenda(
            self.ledger,
            sorted(tickets, key=lambda ticket: ticket.index),
            [phone.serial for phone in phones],
            owner=self.owner,
            clock=self.bench.clock,
            order=queue_order(self.scenario),
        )
        for job_id, _ in (rejoin or {}).values():
            agenda.adopt(job_id)
        feeds: list[TaskFeed] = []

        def settled(outcome: Outcome) -> None:
            for open_feed in feeds:
                open_feed.settled(outcome)

        scheduler = Scheduler(
            agenda=agenda,
            ledger=self.ledger,
            engine=made,
            host=HostThreads(host_tasks(self).do, made.post),
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
                settled=settled,
            ),
        )
        if feed is not None:
            feeds.append(task_feed(self, crew, scheduler.open_intake(), phones))
        look = self.bench.look
        with ExitStack() as stack:
            if look is not None and isinstance(made, ThreadEngine):
                stack.enter_context(joining(look, crew, made, leases))
            stack.enter_context(self._heartbeat(leases, crew))
            if feed is not None:
                stack.enter_context(feeds[0].running(feed))
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

    def add_to_plan(self, jobs: Sequence[PlannedJob]) -> None:
        """Write down jobs that were added since the run began; those known already stay."""
        with self.record_lock:
            record = self.folder.record()
            known = {job.job_id for job in record.plan}
            new = tuple(job.record() for job in jobs if job.spec.job_id not in known)
            if new:
                self.folder.write_record(record.model_copy(update={"plan": (*record.plan, *new)}))

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
            threading.Thread(target=work, name="heartbeat", daemon=True) for work in (beat, renew)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            threads[0].join()  # the other may wait for a phone, and only says that we live

    def _close(self, crew: Crew) -> None:
        over = not self.ledger.rows(*OPEN)
        self.write_phones(crew.seen)
        with self.record_lock:
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
        with self.record_lock:
            record = self.folder.record()
            known = {phone.serial for phone in record.phones}
            phones = [seen.get(phone.serial, phone) for phone in record.phones]
            phones += [phone for serial, phone in seen.items() if serial not in known]
            origins = tuple(sorted({phone.origin for phone in phones}))
            self.folder.write_record(
                record.model_copy(update={"phones": tuple(phones), "origins": origins})
            )
