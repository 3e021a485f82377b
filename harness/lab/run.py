"""One process's work on one run: the jobs it was given, on the phones that it holds."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from harness.lab.assignments import RunAssignments
from harness.lab.bench import Bench
from harness.lab.engines.crew import Crew
from harness.lab.feed import TaskFeed
from harness.lab.known_jobs import KnownJobs
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.tables import OPEN
from harness.lab.logbook import LoggedEngine
from harness.lab.plan_rules import PlanRules
from harness.lab.planning.heat import queue_order
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import PlannedJob
from harness.lab.ports import LabPhone
from harness.lab.run_tasks import host_tasks, outcomes_of, planner
from harness.lab.run_view import RunView
from harness.lab.scheduling.agenda import Agenda, Outcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.host_tasks import HostThreads
from harness.lab.scheduling.intake import Intake
from harness.lab.scheduling.scheduler import Rules, Scheduler
from harness.lab.settings import RunSettings
from harness.lab.summary import RunSummary, summary
from harness.results.store import RunFolder
from harness.scenario import Scenario
from harness.scenario.task import Task


@dataclass(frozen=True)
class Run:
    """One process's work on one run."""

    scenario: Scenario
    folder: RunFolder
    ledger: Ledger
    bench: Bench
    materials: Materials
    owner: str
    settings: RunSettings
    record_lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while ``run.json`` is read and written anew."""

    def go(
        self,
        jobs: Sequence[PlannedJob],
        crew: Crew,
        rejoin: Mapping[str, tuple[str, int]] | None = None,
    ) -> RunSummary:
        """Work until nothing is left to do here; see `Scheduler.run` for Ctrl-C.

        Args:
            jobs: What is left to do on phones.
            crew: Holds the phones that take part, and works with them.
            rejoin: Serial -> (job, attempt) that may still run there.
        """
        settings, stop = self.settings, self.settings.stop
        known = KnownJobs(jobs)
        rules = PlanRules(known, self.folder, self.record_lock)
        held = set(crew.keeper.serials)
        phones = [phone for phone in self.bench.phones if phone.serial in held]
        engine = crew.engine(
            RunView(
                path=self.folder.path,
                owner=self.owner,
                keep=settings.keep,
                stop=stop,
                progress=settings.progress,
                assignments=RunAssignments(
                    known, self.folder, self.ledger, self.materials, settings.keep
                ),
                phones=phones,
            )
        )
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
        tasks = host_tasks(self.folder, self.ledger, self.bench.clock, stop)
        feeds: list[TaskFeed] = []

        def settled(outcome: Outcome) -> None:
            for open_feed in feeds:
                open_feed.settled(outcome)

        scheduler = Scheduler(
            agenda=agenda,
            ledger=self.ledger,
            engine=LoggedEngine(engine),
            host=HostThreads(tasks.do, engine.post),
            owner=self.owner,
            stop=stop,
            clock=self.bench.clock,
            progress=settings.progress,
            rules=Rules(
                step_limit_s=rules.step_limit_s,
                fits=rules.fits,
                recover_s=self.scenario.limits.lost_s,
                rejoin=rejoin or {},
                finished=rules.finished,
                prepared=rules.prepared,
                settled=settled,
            ),
        )
        if settings.feed is not None:
            feeds.append(self._feed(known, scheduler.open_intake(), phones, rules))
        with ExitStack() as stack:
            stack.enter_context(crew.keeper.renewing(lambda: self.ledger.heartbeat(self.owner)))
            if settings.feed is not None:
                stack.enter_context(feeds[0].running(settings.feed))
            try:
                scheduler.run()
            finally:
                engine.close()
                self._close(rules)
        return summary(self.folder, self.ledger, interrupted=stop.requested, notes=rules.notes)

    def _feed(
        self, jobs: KnownJobs, intake: Intake, held: Sequence[LabPhone], rules: PlanRules
    ) -> TaskFeed:
        """Return what a program that adds tasks sees of this run.

        Args:
            jobs: Those that it knows; new ones are added.
            intake: Takes the tasks.
            held: The phones that the run began with.
            rules: Knows the phones that take part by now, with what they can do.
        """

        def phones() -> Sequence[LabPhone]:
            return list({phone.serial: phone for phone in (*held, *rules.phones())}.values())

        def recorded(tasks: Sequence[Task]) -> None:
            self.add_to_plan([jobs[task.task_id] for task in tasks if task.kind == "phone"])

        plan = planner(self.materials, self.scenario.retry, jobs, phones)
        known, tasks = outcomes_of(self.ledger), self.ledger.tasks()
        note = self.settings.progress.note
        return TaskFeed(self.folder, intake, plan, recorded, known, tasks, note)

    def add_to_plan(self, jobs: Sequence[PlannedJob]) -> None:
        """Write down jobs that were added since the run began; those known already stay."""
        with self.record_lock:
            record = self.folder.record()
            known = {job.job_id for job in record.plan}
            new = tuple(job.record() for job in jobs if job.spec.job_id not in known)
            if new:
                self.folder.write_record(record.model_copy(update={"plan": (*record.plan, *new)}))

    def _close(self, rules: PlanRules) -> None:
        over = not self.ledger.rows(*OPEN)
        rules.write_phones()
        with self.record_lock:
            record = self.folder.record()
            self.folder.write_record(
                record.model_copy(
                    update={
                        "finished_utc": self.bench.clock.utc() if over else None,
                        "interrupted": self.settings.stop.requested,
                        "notes": (*record.notes, *rules.notes),
                    }
                )
            )
