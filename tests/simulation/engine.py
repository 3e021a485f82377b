"""An engine whose phones are simulated; it checks every order that it is given."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from harness.lab.holding import Keeper
from harness.lab.ledger.ledger import Ledger
from harness.lab.scheduling.agenda import HOST_AT_ONCE
from harness.lab.scheduling.engine import (
    Came,
    Ended,
    Gone,
    HostEnded,
    Leave,
    Left,
    Order,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
    RunOnHost,
    Stepped,
)
from tests.simulation.world import LOST_S, HostDied, SimPhone, Training, World

STEPS: Final[dict[str, tuple[float, float]]] = {
    "gate": (1, 20),
    "provision": (3, 60),
    "press": (5, 30),
    "train": (30, 1200),
    "collect": (1, 10),
    "score": (0.1, 1),
    "release": (1, 5),
}
"""Seconds, at least and at most."""
HANGS: Final = 0.002
"""Share of attempts whose host never answers, or an hour too late."""
PROBLEM_EVERY: Final = 80
PROBLEMS: Final = ("TrainerCrashed", "TrainerKilled", "TrainerStalled", "GateTimedOut")
POLL_S: Final = 7.0
HOST_FAILS: Final = 0.15


def step_limit_s(_job: str, step: str) -> float:
    """Return the watchdog's limit, as a run's rules have it."""
    return STEPS[step][1] * 1.5 + 180 + 2 * LOST_S


class SimEngine:
    """One life of the coordinator: what it orders dies with it, what trains on phones does not."""

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        owner: str,
        keeper: Keeper,
        after_turn: Callable[[SimEngine], None],
    ) -> None:
        self.world = world
        self.ledger = ledger
        self.owner = owner
        self.held = frozenset(keeper.serials)
        self.after_turn = after_turn
        self.check_start: Callable[[str, str], None] = lambda _task_id, _serial: None
        self.go_on: Callable[[], None] = lambda: None
        """Called before time passes: lets a program that adds tasks do what it can."""
        self.orders_to_live: int | None = None
        """So many orders later the host dies, after the ledger had it and before it is heard."""
        self.alive = True
        self.orders: dict[str, Order] = {}
        """Phone -> what it is busy with."""
        self.turns = 0
        self.finished = 0
        self.stopping = False
        self._out: deque[Report] = deque()
        world.on_host = self._host
        for phone in world.phones.values():
            if world.host_up[phone.host] and phone.lab.serial in self.held:
                self._out.append(Came(phone.lab))

    # -- Engine -----------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        self._hear()
        assert order.serial not in self.orders, f"{order} while {self.orders[order.serial]}"
        assert order.serial in self.held, f"{order} for a phone that is not held"
        phone = self.world.phones[order.serial]
        self.orders[order.serial] = order
        self.world.say(f"-> {order}")
        if isinstance(order, RunAttempt):
            self._begin(phone, order)
        else:
            self.world.later(self._seconds(order, 0.5, 4.0), self._tend, phone, order)

    def _hear(self) -> None:
        assert self.alive
        assert not self.ledger._db.in_transaction, "an order before the ledger had it"
        if self.orders_to_live is not None:
            self.orders_to_live -= 1
            if self.orders_to_live <= 0:
                raise HostDied

    def post(self, report: Report) -> None:
        self._out.append(report)

    def reports(self, wait_s: float) -> list[Report]:
        self.turns += 1
        self.after_turn(self)
        self.go_on()
        until = self.world.clock.now + wait_s
        while not self._out:
            if not self.world.advance(until):
                return []
        reports = list(self._out)
        self._out.clear()
        return reports

    def stop(self, *, hard: bool) -> None:
        """The user wants it to end: attempts end soon, interrupted."""
        self.stopping = True
        for order in list(self.orders.values()):
            if isinstance(order, RunAttempt):
                self._end(self.world.phones[order.serial], order, "Interrupted", after=5.0)

    def cancel(self, order: RunAttempt, why: str) -> None:
        """Somebody wants it no more: it ends soon, interrupted."""
        self.world.say(f"asked to stop: {order}: {why}")
        if self.orders.get(order.serial) is order:
            self._end(self.world.phones[order.serial], order, "Interrupted", after=5.0)

    def close(self) -> None:
        self.alive = False

    def told(self, serial: str) -> bool:
        """Say whether a report of a phone is on its way to the scheduler."""
        return any(getattr(report, "serial", None) == serial for report in self._out)

    # -- inside -----------------------------------------------------------------------------------

    def _seconds(self, order: object, low: float, high: float) -> float:
        # Of its own source: what one order takes does not depend on what else goes on.
        return random.Random(f"{self.world.seed} {order}").uniform(low, high)

    def _on(self, order: Order) -> bool:
        return self.alive and self.orders.get(order.serial) is order

    def _answer(self, order: Order, report: Report) -> None:
        del self.orders[order.serial]
        self.world.say(f"<- {report}")
        self._out.append(report)

    def _host(self, host: int, up: bool) -> None:
        if not self.alive:
            return
        for serial, phone in self.world.phones.items():
            if phone.host != host or serial not in self.held:
                continue
            self.orders.pop(serial, None)
            self._out.append(Came(phone.lab) if up else Gone(serial, f"host {host} is down"))

    def _tend(self, phone: SimPhone, order: Order) -> None:
        if not self._on(order):
            return
        serial, trouble = order.serial, ""
        if not self.world.reachable(phone):
            trouble = "not there"
        elif isinstance(order, Recover) and order.thorough:
            trouble = "bad bytes" if self.world.clock.now < phone.bad_until else ""
        if not trouble and not (isinstance(order, Prepare) and order.keep):
            self.world.clean(phone)
        report: Report
        if isinstance(order, Prepare):
            report = Prepared(serial, None if trouble else phone.lab, trouble=trouble)
        elif isinstance(order, Recover):
            report = Recovered(serial, trouble)
        else:
            assert isinstance(order, Leave)
            report = Left(serial, trouble)
        self._answer(order, report)

    # -- attempts ---------------------------------------------------------------------------------

    def _begin(self, phone: SimPhone, order: RunAttempt) -> None:
        rows = self.ledger.attempts(order.job_id, "running")
        assert [(row.serial, row.attempt, row.owner) for row in rows] == [
            (order.serial, order.attempt, self.owner)
        ], "an attempt that the ledger does not know"
        assert (order.job_id, order.attempt) not in self.world.results, "it has finished"
        assert order.job_id not in self.world.finished_jobs, "it has finished before"
        if order.rejoin:
            self._rejoin(phone, order)
            return
        self.check_start(order.job_id, order.serial)
        assert not phone.unclean, "an attempt on a phone that was not cleaned"
        phone.unclean = True
        self._step(phone, order, 0)

    def _rejoin(self, phone: SimPhone, order: RunAttempt) -> None:
        if not self._on(order):
            return
        if not self.world.reachable(phone):
            self._wait_for(phone, order, lambda: self._rejoin(phone, order))
            return
        training = phone.training
        if (
            training is None
            or (training.job, training.attempt) != (order.job_id, order.attempt)
            or (training.boot != phone.boot and training.ends > self.world.clock.now)
        ):
            lost = Ended(order.serial, order.job_id, order.attempt, clean=False, lost=True)
            self._answer(order, lost)
            return
        self._step(phone, order, list(STEPS).index("train"))

    def _step(self, phone: SimPhone, order: RunAttempt, index: int) -> None:
        name = list(STEPS)[index]
        self._out.append(Stepped(order.serial, order.job_id, order.attempt, name))
        takes = self._seconds((order.job_id, order.attempt, name), *STEPS[name])
        if name == "train":
            if phone.training is None:
                ends = self.world.clock.now + takes
                phone.training = Training(order.job_id, order.attempt, ends, phone.boot)
            takes = max(0.0, phone.training.ends - self.world.clock.now)
        if self._chance(order, "hang") < HANGS and name == "provision":
            self.world.later(3600.0, self._late, order)
            return
        self.world.later(takes, self._stepped, phone, order, index)

    def _chance(self, order: RunAttempt, what: str) -> float:
        return random.Random(f"{self.world.seed} {order.job_id} {order.attempt} {what}").random()

    def _late(self, order: RunAttempt) -> None:
        """Its host answers at last; by then nobody waits for it."""
        if self._on(order):
            del self.orders[order.serial]
            self._out.append(Ended(order.serial, order.job_id, order.attempt, "DeviceLost"))

    def _wait_for(self, phone: SimPhone, order: RunAttempt, then: Callable[[], None]) -> None:
        if self.world.clock.now - phone.cable_since > LOST_S:
            self._end(phone, order, "DeviceLost")
        else:
            self.world.later(POLL_S, then)

    def _stepped(self, phone: SimPhone, order: RunAttempt, index: int) -> None:
        if not self._on(order):
            return
        name = list(STEPS)[index]
        if not self.world.reachable(phone):
            self._wait_for(phone, order, lambda: self._stepped(phone, order, index))
            return
        chance = int(self._chance(order, "problem") * PROBLEM_EVERY)
        problem = PROBLEMS[chance] if chance < len(PROBLEMS) else ""
        if name == "provision" and self.world.clock.now < phone.bad_until:
            self._end(phone, order, "ProvisionFailed")
        elif name == "gate" and problem == "GateTimedOut":
            self._end(phone, order, problem)
        elif name == "train" and self._died(phone):
            self._end(phone, order, "TrainerKilled")
        elif name == "train" and problem.startswith("Trainer"):
            self._end(phone, order, problem)
        elif name == "release":
            self._end(phone, order, None)
        else:
            if name == "score":  # as `run_attempt`: the result lies there before the release
                self._write(order)
            self._step(phone, order, index + 1)

    @staticmethod
    def _died(phone: SimPhone) -> bool:
        return phone.training is None or phone.training.boot != phone.boot

    def _write(self, order: RunAttempt) -> None:
        self.world.write(order.job_id, order.attempt)

    def _end(
        self, phone: SimPhone, order: RunAttempt, kind: str | None, after: float = 0.0
    ) -> None:
        if after:
            self.world.later(after, self._end, phone, order, kind)
            return
        if not self._on(order):
            return
        there = self.world.reachable(phone)
        done = (order.job_id, order.attempt) in self.world.results
        if done:
            kind = None  # Ctrl-C in the release changes nothing any more
        clean = there and kind != "DeviceLost"
        if clean:
            self.world.clean(phone)
        if kind is not None:
            self.world.failures.setdefault(order.job_id, []).append(kind)
        report: Any = Ended(order.serial, order.job_id, order.attempt, kind, clean=clean)
        self._answer(order, report)


class SimHost:
    """Runs the tasks of the host; what runs there dies with the coordinator."""

    def __init__(self, engine: SimEngine, fails: float = HOST_FAILS) -> None:
        self._engine = engine
        self._fails = fails
        self._world = engine.world
        self.running: set[str] = set()

    def submit(self, order: RunOnHost) -> None:
        engine, task_id = self._engine, order.task_id
        engine._hear()
        assert task_id not in self.running, "twice at once"
        assert len(self.running) < HOST_AT_ONCE
        rows = engine.ledger.attempts(task_id, "running")
        assert [(row.serial, row.attempt, row.owner) for row in rows] == [
            ("", order.attempt, engine.owner)
        ], "an attempt that the ledger does not know"
        assert task_id not in self._world.finished_jobs, "it has finished before"
        engine.check_start(task_id, "")
        self._world.say(f"-> {order}")
        self.running.add(task_id)
        chance = random.Random(f"{self._world.seed} {task_id} {order.attempt}")
        fails = chance.random() < self._fails
        self._world.later(chance.uniform(0.1, 900.0), self._end, order, fails)

    def _end(self, order: RunOnHost, fails: bool) -> None:
        if not self._engine.alive:
            return
        if fails:
            self._world.failures.setdefault(order.task_id, []).append("HostError")
            self._report(order, "HostError")
            return
        self._world.write(order.task_id, order.attempt)
        self._world.later(1.0, self._report, order, None)  # written, and not yet told

    def _report(self, order: RunOnHost, kind: str | None) -> None:
        if self._engine.alive:
            self.running.discard(order.task_id)
            report = HostEnded(order.task_id, order.attempt, kind)
            self._world.say(f"<- {report}")
            self._engine.post(report)
