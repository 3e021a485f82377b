"""One run from one seed: lives of the coordinator one after another, until every job has an end."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.lab.bench import Bench, host_keeper
from harness.lab.clock import StopSignal
from harness.lab.holding import HostKeeper, take_free
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.recovery import clean_left_phones, lose, reconcile
from harness.lab.ledger.tables import OPEN, Change
from harness.lab.ports import NoProgress
from harness.lab.scheduling.agenda import Agenda
from harness.lab.scheduling.agenda import Outcome as TaskOutcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import QUARANTINE_AFTER, Dispatcher
from harness.lab.scheduling.intake import Intake, RunOverError
from harness.lab.scheduling.scheduler import Rules, Scheduler
from harness.lab.scheduling.standing import OUT
from harness.scenario.task import Task
from tests.simulation.engine import HOST_FAILS, SimEngine, SimHost, step_limit_s
from tests.simulation.ledger import MortalLedger
from tests.simulation.world import HOST_RETRIES, LOST_S, RETRIES, HostDied, SimTools, Size, World

TOO_LONG_S: Final = 400 * 86400.0
ROUNDING_S: Final = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What a simulated run came to."""

    jobs: dict[str, int]
    """State -> jobs."""
    attempts: int
    lives: int
    rejoined: int
    quarantines: int
    on_host: int
    """Tasks that finished on the host."""
    by_quorum: int
    """Tasks that started with some of their parents only."""
    came_later: int
    """Tasks that were added while the run went on."""
    withdrawn: int
    stopped: int
    """Of the withdrawn ones those whose attempts ran."""
    days: float
    turns: int
    digest: str
    """Of the whole history: the same for the same seed."""


class Run:
    """A simulated run.

    Args:
        size: How much.
        seed: Everything follows from it.
        check_every: Look for idle phones each so many turns.
        verbose: Keep a log in ``world.told``.
    """

    host_fails = HOST_FAILS

    def __init__(self, size: Size, seed: int, *, check_every: int = 1, verbose: bool = False):
        self.world = World(size, seed, verbose=verbose)
        self.rng = random.Random(f"run {seed}")
        self.check_every = check_every
        self.lives = self.turns = self.deaths = 0
        self.scheduler: Any = None
        self.stop = StopSignal()
        self.changes = 30 * size.jobs
        self.orders_to_live: int | None = None
        self.since: dict[str, float] = {}
        """Task -> from when its quorum's limit counts."""
        self.changes_before = 0
        """The ledger's last change before this process began."""

    def go(self) -> Outcome:
        """Run to the end.

        Raises:
            AssertionError: Something happened that must never happen.
        """
        with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
            ledger = MortalLedger.create(
                Path(":memory:"),
                [ticket.task for ticket in self.world.begin_with],
                self.world.clock,
            )
            try:
                died = True
                while died or ledger.rows(*OPEN) or self._to_come(ledger):
                    died = self._live(ledger, Path(folder))
                    assert self.world.clock.now < TOO_LONG_S, "it does not end"
                self._check_end(ledger, Path(folder))
                return self._outcome(ledger)
            finally:
                ledger.close()

    def _live(self, ledger: MortalLedger, root: Path) -> bool:
        """One process of the coordinator, from its start to its end; whether that was its death."""
        world, clock = self.world, self.world.clock
        self.lives += 1
        ledger.changes_to_live = self.orders_to_live = None
        if self.deaths < world.size.deaths and self.rng.random() < 0.2:
            self.orders_to_live = 1 + int(self.rng.expovariate(world.size.deaths / 50))
        elif self.deaths < world.size.deaths:
            ledger.changes_to_live = 1 + int(
                self.rng.expovariate(2 * world.size.deaths / self.changes)
            )
        self.stop = StopSignal()
        here = [phone.lab for phone in world.phones.values()]
        bench = Bench(here, SimTools(world), lease_root=root, clock=clock)  # type: ignore[arg-type]
        keeper = host_keeper(bench, f"life-{self.lives}", "run")
        try:
            self._work(ledger, bench, keeper)
            keeper.close()
            return False
        except HostDied:
            world.say("the coordinator died")
            self.deaths += 1
            for holding in keeper._holdings.values():
                holding.lock._lock.release()  # as the kernel does for the dead
            world.on_host = lambda _host, _up: None
            back = clock.now + self.rng.choice([1.0, 60.0, 1200.0, 30000.0])
            while world.advance(back):
                pass
            return True

    def _work(self, ledger: Ledger, bench: Bench, keeper: HostKeeper) -> None:
        world, clock = self.world, self.world.clock
        owner = f"life-{self.lives}"
        rejoin = reconcile(
            ledger,
            world.written,
            {phone.serial for phone in bench.phones},
            lambda task_id, attempt: (task_id, attempt) in world.results,
        )
        clean_left_phones(ledger, bench, owner, "run", NoProgress(), spare=rejoin)
        busy = take_free(keeper, bench.phones)
        assert not busy, busy
        for row in ledger.attempts(state="running"):
            if row.serial not in keeper.serials:
                rejoin.pop(row.serial)
                lose(ledger, row)
        batches = self._to_come(ledger)
        todo = ledger.rows(*OPEN)
        if not todo and not batches:
            return  # it died between the last end and the last release
        agenda = Agenda(
            ledger,
            [world.tickets[row.task_id] for row in todo],
            list(world.phones),
            owner=owner,
            clock=clock,
            order=world.order,
        )
        for job_id, _ in rejoin.values():
            agenda.adopt(job_id)
        engine = SimEngine(world, ledger, owner, keeper, self._after_turn)
        engine.check_start = lambda task_id, serial: self._check_start(ledger, task_id, serial)
        engine.orders_to_live = self.orders_to_live
        self.since = {row.task_id: clock.now for row in todo}
        self.changes_before = max((change.id for change in ledger.changes()), default=0)
        if self.rng.random() < 0.2:
            world.later(self.rng.uniform(0, 20000), self._press, engine, self.stop)
        self.scheduler = Scheduler(
            agenda=agenda,
            ledger=ledger,
            engine=engine,
            host=SimHost(engine, self.host_fails),
            owner=owner,
            stop=self.stop,
            clock=clock,
            progress=NoProgress(),
            rules=Rules(
                step_limit_s=step_limit_s,
                recover_s=LOST_S,
                rejoin=rejoin,
                finished=lambda job, n: (job, n) in world.results,
                settled=self._settled,
            ),
        )
        if batches:
            self._begin_feed(engine, ledger, batches)
        try:
            self.scheduler.loop()
        finally:
            engine.close()
            self.turns += engine.turns

    def _to_come(self, ledger: Ledger) -> list[tuple[float, list[Ticket]]]:
        """Return the tasks that the ledger does not have yet, and when they come."""
        known = {row.task_id for row in ledger.rows()}
        return [
            (when, tickets)
            for when, tickets in self.world.batches
            if tickets[0].job_id not in known
        ]

    def _begin_feed(
        self, engine: SimEngine, ledger: Ledger, batches: list[tuple[float, list[Ticket]]]
    ) -> None:
        self._feed(engine, self.scheduler.open_intake(), batches)

    def _settled(self, outcome: TaskOutcome) -> None:
        """Take in what a task came to."""

    def _feed(
        self, engine: SimEngine, intake: Intake, batches: list[tuple[float, list[Ticket]]]
    ) -> None:
        """Add the first batch once it is time, then the next."""
        now = self.world.clock.now
        if not batches:
            self.world.later(self.rng.choice([0.0, 500.0]), self._close, engine, intake)
            return
        (when, tickets), *rest = batches

        def add() -> None:
            if not engine.alive:
                return
            self.world.say(f"added: {[ticket.job_id for ticket in tickets]}")
            self.since.update(
                dict.fromkeys((ticket.job_id for ticket in tickets), self.world.clock.now)
            )
            with suppress(RunOverError):  # it was stopped: the next process adds them
                intake.add(tickets)
                self._withdraw(engine.ledger, intake, tickets)
            self._feed(engine, intake, rest)

        self.world.later(max(0.0, when - now), add)

    def _withdraw(self, ledger: Ledger, intake: Intake, tickets: list[Ticket]) -> None:
        """Now and then, want some jobs no more; also such as have just been added."""
        if self.rng.random() < 0.4:
            return
        rows = ledger.rows()
        jobs = [row.task_id for row in rows if row.kind == "phone"]
        jobs += [ticket.job_id for ticket in tickets if ticket.task.kind == "phone"]
        running = [row.task_id for row in rows if (row.kind, row.state) == ("phone", "running")]
        jobs = running if running and self.rng.random() < 0.5 else jobs
        chosen = self.rng.sample(jobs, min(len(jobs), self.rng.randint(1, 6)))
        self.world.say(f"withdrawn: {chosen}")
        intake.withdraw(chosen, "the simulation wants it no more")

    @staticmethod
    def _close(engine: SimEngine, intake: Intake) -> None:
        if engine.alive:
            intake.close()

    @staticmethod
    def _press(engine: SimEngine, stop: StopSignal) -> None:
        if engine.alive:
            stop.press()
            engine.stop(hard=False)

    # -- what must always be so -------------------------------------------------------------------

    def _after_turn(self, engine: SimEngine) -> None:
        if engine.turns % self.check_every or self.stop.requested:
            return
        scheduler = self.scheduler
        for standing in scheduler._phones:
            serial, order = standing.serial, standing.order
            busy = order is not None
            assert busy == (serial in engine.orders or engine.told(serial)) or (
                standing.state in ("absent", "given up")
            ), f"{serial} is {standing.state}, its order {order}, {engine.orders.get(serial)}"
        idle = [standing.serial for standing in scheduler._phones if standing.state == "idle"]
        if not idle:
            return
        tickets = self.world.tickets
        for row in engine.ledger.rows("queued"):
            if row.kind == "host":
                continue
            ticket = tickets[row.task_id]
            tried = {attempt.serial for attempt in engine.ledger.attempts(row.task_id)}
            homes = ticket.candidates
            if ticket.task.beside is not None:
                ran = engine.ledger.attempts(ticket.task.beside, "finished")
                if ran:
                    last = ran[-1].serial
                    here = scheduler._dispatcher.phones()
                    homes = frozenset([last]) if last in here else _NOBODY
            lazy = [serial for serial in idle if serial in homes and serial not in tried]
            assert not lazy, f"{lazy} idle while {row.task_id} is queued and fits"

    def _check_end(self, ledger: Ledger, root: Path) -> None:
        world = self.world
        dispatcher = self.scheduler._dispatcher
        states = {row.task_id: row for row in ledger.rows()}
        history: dict[str, list[Change]] = {}
        for change in ledger.changes():
            history.setdefault(change.key.partition("/")[0], []).append(change)
        assert states.keys() == world.tickets.keys(), "a task was lost, or came from nowhere"
        for ticket in world.tickets.values():
            row = states[ticket.job_id]
            attempts = ledger.attempts(ticket.job_id)
            finished = [attempt for attempt in attempts if attempt.state == "finished"]
            if row.is_withdrawn:
                self._check_withdrawn(ledger, row.task_id, history[row.task_id])
                continue
            assert len(finished) == (row.state == "finished"), f"{row} {attempts}"
            assert (ticket.job_id in world.finished_jobs) == (row.state == "finished"), row
            assert row.state in ("finished", "failed", "skipped"), row
            if row.state != "skipped":
                self._check_parents(ledger, ticket.task, states)
            counted = [
                attempt.failure
                for attempt in attempts
                if attempt.failure not in (None, "Interrupted")
            ]
            if row.state == "failed":
                worst = counted[-1]
                allowed = HOST_RETRIES if row.kind == "host" else RETRIES.get(str(worst), 0)
                assert counted.count(worst) > allowed, f"{row} {counted}"
            elif row.state == "skipped":
                self._check_skipped(row, ticket, states, dispatcher)
        assert not ledger.attempts(state="running")
        left = {row.serial for row in ledger.leases()}
        given_up = {
            standing.serial for standing in self.scheduler._phones if standing.state == "given up"
        }
        assert left <= given_up, f"leases that nobody freed: {left - given_up}"
        assert not list(root.glob("*.json")), "a lease's note is left"
        for serial, phone in world.phones.items():
            assert not phone.unclean or serial in given_up or not world.reachable(phone), serial

    def _check_start(self, ledger: Ledger, task_id: str, serial: str) -> None:
        """Check that a task may start there now."""
        task = self.world.tickets[task_id].task
        states = {parent: ledger.row(parent) for parent in task.parents}
        counted = self._check_parents(ledger, task, states)
        unsettled = [parent for parent, row in states.items() if row.state in OPEN]
        if unsettled and len(counted) < len(task.parents):
            assert task.quorum is not None
            waited = self.world.clock.now - self.since[task_id]
            decided_now = any(
                change.key == task_id and change.new == "queued" and change.old == "waiting"
                for change in ledger.changes(self.changes_before)
            )
            assert waited > task.quorum.after_s - ROUNDING_S or not decided_now, (
                f"{task_id} too early"
            )
        if task.beside in counted:
            ran = ledger.attempts(task.beside, "finished")[-1].serial
            phone = self.scheduler._phones.get(ran)
            out = phone is None or phone.state in OUT
            assert ran == serial or out, f"{task_id} on {serial}, its parent on {ran}"

    @staticmethod
    def _check_parents(ledger: Ledger, task: Task, states: Mapping[str, Any]) -> list[str]:
        """Check what a task started with; return its parents that count."""
        counted = ledger.counted_parents(task.task_id)
        assert counted is not None, f"{task.task_id} before it was decided"
        assert all(states[parent].state == "finished" for parent in counted), task
        assert len(counted) >= task.needed, f"{task.task_id} with {counted}"
        return counted

    @staticmethod
    def _check_withdrawn(ledger: Ledger, job_id: str, changes: Sequence[Change]) -> None:
        """Check that nothing was begun at a job once nobody wanted it any more."""
        (since,) = [c.id for c in changes if c.what == "task" and c.new == "skipped"]
        begun = [c for c in changes if c.id > since and c.new == "running"]
        assert not begun, f"{job_id} was begun after it was withdrawn: {begun}"
        assert len(ledger.attempts(job_id, "finished")) <= 1

    def _check_skipped(self, row: Any, ticket: Any, states: Any, dispatcher: Dispatcher) -> None:
        task = ticket.task
        finished = sum(states[parent].state == "finished" for parent in task.parents)
        if row.reason.startswith("after "):
            assert task.quorum is not None, row
            return
        if finished < task.needed:
            return
        assert row.kind == "phone", row
        if ticket.skips_shut and "no phone left" not in row.reason:
            return
        assert "no phone left" in row.reason, row
        assert (
            not ticket.candidates
            & dispatcher.phones()
            & {standing.serial for standing in self.scheduler._phones if standing.state == "idle"}
        ), row

    def _outcome(self, ledger: Ledger) -> Outcome:
        changes = ledger.changes()
        history = hashlib.sha256()
        for change in changes:
            history.update(repr(change).encode())
        return Outcome(
            jobs=ledger.counts(),
            attempts=len(ledger.attempts()),
            lives=self.lives,
            rejoined=sum(change.note == "rejoined" for change in changes),
            quarantines=sum(standing.quarantines for standing in self.scheduler._phones),
            on_host=sum(row.kind == "host" for row in ledger.rows("finished")),
            by_quorum=sum(self._is_by_quorum(ledger, row.task_id) for row in ledger.rows()),
            came_later=sum(len(tickets) for _, tickets in self.world.batches),
            withdrawn=sum(row.is_withdrawn for row in ledger.rows()),
            stopped=sum(
                bool(ledger.attempts(row.task_id)) for row in ledger.rows() if row.is_withdrawn
            ),
            days=self.world.clock.now / 86400,
            turns=self.turns,
            digest=history.hexdigest()[:16],
        )

    def _is_by_quorum(self, ledger: Ledger, task_id: str) -> bool:
        counted = ledger.counted_parents(task_id)
        return counted is not None and len(counted) < len(self.world.tickets[task_id].task.parents)


_NOBODY: Final[frozenset[str]] = frozenset()
assert RETRIES["ProvisionFailed"] < QUARANTINE_AFTER
