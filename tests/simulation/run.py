"""One run from one seed: lives of the coordinator one after another, until every job has an end."""

from __future__ import annotations

import hashlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.lab.bench import Bench, host_keeper
from harness.lab.clock import StopSignal
from harness.lab.dispatch import QUARANTINE_AFTER, Dispatcher
from harness.lab.holding import HostKeeper, take_free
from harness.lab.ledger import Ledger
from harness.lab.ports import NoProgress
from harness.lab.recovery import clean_left_phones, lose, reconcile
from harness.lab.scheduler import Rules, Scheduler
from tests.simulation.engine import SimEngine, step_limit_s
from tests.simulation.world import LOST_S, RETRIES, HostDied, SimTools, Size, World

TOO_LONG_S: Final = 400 * 86400.0


@dataclass(frozen=True)
class Outcome:
    """What a simulated run came to."""

    jobs: dict[str, int]
    """State -> jobs."""
    attempts: int
    lives: int
    rejoined: int
    quarantines: int
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

    def __init__(self, size: Size, seed: int, *, check_every: int = 1, verbose: bool = False):
        self.world = World(size, seed, verbose=verbose)
        self.rng = random.Random(f"run {seed}")
        self.check_every = check_every
        self.lives = self.turns = self.deaths = 0
        self.scheduler: Any = None
        self.stop = StopSignal()
        self.changes = 30 * size.jobs

    def go(self) -> Outcome:
        """Run to the end.

        Raises:
            AssertionError: Something happened that must never happen.
        """
        with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
            ledger = Ledger.create(Path(":memory:"), self.world.specs(), self.world.clock)
            try:
                died = True
                while died or ledger.jobs("waiting", "queued", "running"):
                    died = self._live(ledger, Path(folder))
                    assert self.world.clock.now < TOO_LONG_S, "it does not end"
                self._check_end(ledger, Path(folder))
                return self._outcome(ledger)
            finally:
                ledger.close()

    def _live(self, ledger: Ledger, root: Path) -> bool:
        """One process of the coordinator, from its start to its end; whether that was its death."""
        world, clock = self.world, self.world.clock
        self.lives += 1
        clock.asks_to_live = None
        if self.deaths < world.size.deaths:
            clock.asks_to_live = 1 + int(self.rng.expovariate(2 * world.size.deaths / self.changes))
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
        rejoin = reconcile(ledger, world.written, {phone.serial for phone in bench.phones})
        clean_left_phones(ledger, bench, owner, "run", NoProgress(), spare=rejoin)
        busy = take_free(keeper, bench.phones)
        assert not busy, busy
        for row in ledger.attempts(state="running"):
            if row.serial not in keeper.serials:
                rejoin.pop(row.serial)
                lose(ledger, row)
        todo = {row.job_id for row in ledger.jobs("waiting", "queued", "running")}
        if not todo:
            return  # it died between the last end and the last release
        dispatcher = Dispatcher(
            [ticket for ticket in world.tickets if ticket.job_id in todo],
            list(world.phones),
            finished_on={row.job_id: row.serial for row in ledger.attempts(state="finished")},
            order=world.order,
        )
        for serial, (job, _) in rejoin.items():
            dispatcher.adopt(job, serial)
        engine = SimEngine(world, ledger, owner, keeper, self._after_turn)
        if self.rng.random() < 0.2:
            world.later(self.rng.uniform(0, 20000), self._press, engine, self.stop)
        self.scheduler = Scheduler(
            dispatcher=dispatcher,
            ledger=ledger,
            engine=engine,
            owner=owner,
            stop=self.stop,
            clock=clock,
            progress=NoProgress(),
            rules=Rules(
                step_limit_s=step_limit_s,
                recover_s=LOST_S,
                rejoin=rejoin,
                finished=lambda job, n: (job, n) in world.results,
            ),
        )
        try:
            self.scheduler.loop()
        finally:
            engine.close()
            self.turns += engine.turns

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
        for one in scheduler._phones:
            serial = one.serial
            busy = one.order is not None
            assert busy == (serial in engine.orders or engine.told(serial)) or (
                one.state in ("absent", "given up")
            ), f"{serial} is {one.state}, its order {one.order}, {engine.orders.get(serial)}"
        idle = [one.serial for one in scheduler._phones if one.state == "idle"]
        if not idle:
            return
        tickets = self.world.tickets
        for row in engine.ledger.jobs("queued"):
            ticket = tickets[row.index]
            tried = {one.serial for one in engine.ledger.attempts(row.job_id)}
            parent = ticket.depends_on
            homes = ticket.candidates
            if parent is not None:
                last = engine.ledger.attempts(parent, "finished")[-1].serial
                homes = frozenset([last]) if last in scheduler._dispatcher.phones() else _NOBODY
            lazy = [serial for serial in idle if serial in homes and serial not in tried]
            assert not lazy, f"{lazy} idle while {row.job_id} is queued and fits"

    def _check_end(self, ledger: Ledger, root: Path) -> None:
        world = self.world
        dispatcher = self.scheduler._dispatcher
        states = {row.job_id: row for row in ledger.jobs()}
        assert len(states) == len(world.tickets)
        for ticket in world.tickets:
            row = states[ticket.job_id]
            attempts = ledger.attempts(ticket.job_id)
            finished = [one for one in attempts if one.state == "finished"]
            assert len(finished) == (row.state == "finished"), f"{row} {attempts}"
            assert (ticket.job_id in world.finished_jobs) == (row.state == "finished"), row
            if ticket.depends_on is not None and row.state == "finished":
                assert states[ticket.depends_on].state == "finished", row
            counted = [one.failure for one in attempts if one.failure not in (None, "Interrupted")]
            if row.state == "failed":
                worst = counted[-1]
                assert counted.count(worst) > RETRIES.get(str(worst), 0), f"{row} {counted}"
            elif row.state == "skipped":
                self._check_skipped(row, ticket, states, dispatcher)
        assert not ledger.attempts(state="running")
        left = {row.serial for row in ledger.leases()}
        given_up = {one.serial for one in self.scheduler._phones if one.state == "given up"}
        assert left <= given_up, f"leases that nobody freed: {left - given_up}"
        assert not list(root.glob("*.json")), "a lease's note is left"
        for serial, phone in world.phones.items():
            assert not phone.unclean or serial in given_up or not world.reachable(phone), serial

    def _check_skipped(self, row: Any, ticket: Any, states: Any, dispatcher: Dispatcher) -> None:
        if ticket.depends_on is not None and states[ticket.depends_on].state != "finished":
            return
        if ticket.skips_shut and "no phone left" not in row.reason:
            return
        assert "no phone left" in row.reason, row
        assert (
            not ticket.candidates
            & dispatcher.phones()
            & {one.serial for one in self.scheduler._phones if one.state == "idle"}
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
            quarantines=sum(one.quarantines for one in self.scheduler._phones),
            days=self.world.clock.now / 86400,
            turns=self.turns,
            digest=history.hexdigest()[:16],
        )


_NOBODY: Final[frozenset[str]] = frozenset()
assert RETRIES["ProvisionFailed"] < QUARANTINE_AFTER
