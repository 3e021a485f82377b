"""One process's work on one run: the jobs it was given, on the phones that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.lab.assignments import RunAssignments
from harness.lab.bench import Bench
from harness.lab.clock import StopSignal
from harness.lab.crew import Crew
from harness.lab.dispatch import Dispatcher
from harness.lab.ledger import Ledger
from harness.lab.logbook import LoggedEngine
from harness.lab.plan_rules import PlanRules
from harness.lab.planning.heat import queue_order
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import PlannedJob
from harness.lab.ports import Progress
from harness.lab.run_view import RunView
from harness.lab.scheduler import Rules, Scheduler
from harness.lab.summary import RunSummary, summary
from harness.results.store import RunFolder
from harness.scenario import Scenario


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
        crew: Crew,
        rejoin: Mapping[str, tuple[str, int]] | None = None,
    ) -> RunSummary:
        """Work until nothing is left to do here; see `Scheduler.run` for Ctrl-C.

        Args:
            jobs: What is left to do.
            crew: Holds the phones that take part, and works with them.
            rejoin: Serial -> (job, attempt) that may still run there.
        """
        rules = PlanRules(jobs, self.folder)
        held = set(crew.keeper.serials)
        phones = [phone for phone in self.bench.phones if phone.serial in held]
        dispatcher = Dispatcher(
            [job.ticket(self.scenario.retry) for job in jobs],
            [phone.serial for phone in phones],
            finished_on=self._finished_on(held),
            order=queue_order(self.scenario),
        )
        for serial, (job_id, _) in (rejoin or {}).items():
            dispatcher.adopt(job_id, serial)
        engine = crew.engine(
            RunView(
                path=self.folder.path,
                owner=self.owner,
                keep=self.keep,
                stop=self.stop,
                progress=self.progress,
                assignments=RunAssignments(
                    jobs, self.folder, self.ledger, self.materials, self.keep
                ),
                phones=phones,
            )
        )
        scheduler = Scheduler(
            dispatcher=dispatcher,
            ledger=self.ledger,
            engine=LoggedEngine(engine),
            owner=self.owner,
            stop=self.stop,
            clock=self.bench.clock,
            progress=self.progress,
            rules=Rules(
                step_limit_s=rules.step_limit_s,
                fits=rules.fits,
                recover_s=self.scenario.limits.lost_s,
                rejoin=rejoin or {},
                finished=rules.finished,
                prepared=rules.prepared,
            ),
        )
        with crew.keeper.renewing(lambda: self.ledger.heartbeat(self.owner)):
            try:
                scheduler.run()
            finally:
                engine.close()
                self._close(rules)
        return summary(self.folder, self.ledger, interrupted=self.stop.requested, notes=rules.notes)

    def _finished_on(self, here: set[str]) -> dict[str, str | None]:
        return {
            row.job_id: row.serial if row.serial in here else None
            for row in self.ledger.attempts(state="finished")
        }

    def _close(self, rules: PlanRules) -> None:
        over = not self.ledger.jobs("waiting", "queued", "running")
        rules.write_phones()
        record = self.folder.record()
        self.folder.write_record(
            record.model_copy(
                update={
                    "finished_utc": self.bench.clock.utc() if over else None,
                    "interrupted": self.stop.requested,
                    "notes": (*record.notes, *rules.notes),
                }
            )
        )
