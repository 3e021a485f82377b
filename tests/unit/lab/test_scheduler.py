"""The scheduler's threads over a real ledger, with attempts that are scripts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.adb.errors import DeviceLost
from harness.errors import InputError
from harness.lab.attempt.state import AttemptEnd
from harness.lab.clock import StopSignal, SystemClock
from harness.lab.engines.threads import ThreadEngine
from harness.lab.ledger.ledger import Ledger, LedgerError
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.scheduling.agenda import Agenda, Outcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import QUARANTINE_AFTER
from harness.lab.scheduling.engine import (
    Came,
    Ended,
    Engine,
    Gone,
    Leave,
    Left,
    Order,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
    RunOnHost,
    TasksAdded,
    TasksWithdrawn,
)
from harness.lab.scheduling.host_tasks import HostThreads
from harness.lab.scheduling.intake import RunOverError
from harness.lab.scheduling.scheduler import Rules, Scheduler
from harness.results.files import DiskFullError
from harness.results.model import AttemptResult, FailureRecord
from harness.scenario.task import Task
from tests.fixtures.tasks import host_task, phone_task
from tests.unit.lab.fakes import make_phone, make_spec, run_view

Script = Callable[[str, int, str], "str | None"]
"""(job, attempt, phone) -> kind of failure, or None."""


def result(job_id: str, attempt: int, phone: LabPhone, kind: str | None) -> AttemptResult:
    return AttemptResult(
        run_id="r",
        job_id=job_id,
        attempt=attempt,
        status="failed" if kind else "finished",
        failure=FailureRecord(kind=kind, message="m") if kind else None,  # type: ignore[arg-type]
        started_utc="2026-01-01T00:00:00Z",
        seconds=1.0,
        phone=phone.record,
        model_name="m",
        model_sha256="0" * 64,
        speaker="s",
        accent="US",
        batch_size=5,
        learning_rate=1e-4,
        epochs_planned=1,
        stop_policy="best_so_far",
    )


class Bench:
    def __init__(self, tmp_path: Path, tasks: list[Task], serials: list[str]) -> None:
        self.tasks = [replace(task, index=n) for n, task in enumerate(tasks)]
        self.ledger = Ledger.create(tmp_path / "l.sqlite", self.tasks)
        self.phones = [make_phone(serial) for serial in serials]
        self.stop = StopSignal()
        self.ran: list[tuple[str, int, str]] = []
        self.left: list[str] = []
        self.recovered: list[str] = []
        self.unreachable: set[str] = set()
        self.retries = {"DeviceLost": 1}
        self.skips_shut = False
        self.outcomes: list[Outcome] = []
        self.lock = threading.Lock()

    def ticket(self, task: Task) -> Ticket:
        serials = frozenset(phone.serial for phone in self.phones)
        fits = serials if task.kind == "phone" else frozenset[str]()
        return Ticket(task, fits, retries=self.retries, skips_shut=self.skips_shut)

    def scheduler(self, engine: Engine, recover_s: float = 0.0, **more: Any) -> Scheduler:
        agenda = Agenda(
            self.ledger,
            [self.ticket(task) for task in self.tasks],
            [phone.serial for phone in self.phones],
            owner="me",
            clock=SystemClock(),
        )
        return Scheduler(
            agenda=agenda,
            ledger=self.ledger,
            engine=engine,
            owner="me",
            stop=self.stop,
            clock=SystemClock(),
            progress=NoProgress(),
            rules=Rules(recover_s=recover_s, settled=self.outcomes.append),
            **more,
        )

    def run(self, script: Script, recover_s: float = 0.0) -> Bench:
        self.script = script
        self.scheduler(ThreadEngine(self, run_view(self, self.phones, self.stop)), recover_s).run()
        return self

    # -- what is done to phones -------------------------------------------------------------------

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        assert phone.serial in {row.serial for row in self.ledger.leases()}
        return phone, []

    def request(self, order: RunAttempt, phone: LabPhone) -> tuple[RunAttempt, LabPhone]:
        return order, phone

    def attempt(
        self,
        request: tuple[RunAttempt, LabPhone],
        stop: StopSignal,
        on_step: Callable[[str], None],
    ) -> AttemptEnd:
        order, phone = request
        job, n = order.job_id, order.attempt
        on_step("train")
        with self.lock:
            self.ran.append((job, n, phone.serial))
        kind = self.script(job, n, phone.serial)
        return AttemptEnd(result(job, n, phone, kind), clean=kind != "DeviceLost")

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        if phone.serial in self.unreachable:
            raise DeviceLost("gone", serial=phone.serial)
        self.recovered.append(phone.serial)

    def leave(self, phone: LabPhone) -> None:
        self.left.append(phone.serial)


def tasks(count: int) -> list[Task]:
    return [Task.of_job(make_spec(f"j{n}")) for n in range(count)]


def test_every_job_runs_once_and_every_phone_is_left_clean(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(20), ["A", "B", "C"])
    busy: set[str] = set()

    def script(job: str, n: int, phone: str) -> None:
        with bench.lock:
            assert phone not in busy, "two attempts on one phone"
            busy.add(phone)
        time.sleep(0.002)
        with bench.lock:
            busy.discard(phone)

    bench.run(script)
    assert sorted(job for job, _, _ in bench.ran) == sorted(task.task_id for task in bench.tasks)
    assert {phone for _, _, phone in bench.ran} == {"A", "B", "C"}
    assert bench.ledger.counts() == {"finished": 20}
    assert sorted(bench.left) == ["A", "B", "C"]
    assert bench.ledger.leases() == []


def test_a_lost_phones_job_goes_to_another_and_the_phone_comes_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(1), ["A", "B"])
    bench.run(lambda job, n, phone: "DeviceLost" if n == 1 else None)
    (_, _, first), (_, _, second) = bench.ran
    assert {first, second} == {"A", "B"}
    assert bench.recovered == [first]
    assert bench.ledger.counts() == {"finished": 1}
    assert [row.failure for row in bench.ledger.attempts()] == ["DeviceLost", None]
    assert bench.ledger.leases() == []


def test_a_phone_that_stays_away_keeps_its_lease_open(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(1), ["A", "B"])
    bench.unreachable = {"A", "B"}
    bench.run(lambda job, n, phone: "DeviceLost" if n == 1 else None)
    lost = bench.ran[0][2]
    assert [row.serial for row in bench.ledger.leases()] == [lost]
    assert bench.left == [bench.ran[1][2]]


def test_a_failed_round_takes_the_next_ones_with_it(tmp_path: Path) -> None:
    first, second = tasks(2)
    second = Task.of_job(second.job, "j0")
    bench = Bench(tmp_path, [first, second], ["A"])
    bench.run(lambda job, n, phone: "TrainerCrashed")
    assert [(row.task_id, row.state) for row in bench.ledger.rows()] == [
        ("j0", "failed"),
        ("j1", "skipped"),
    ]
    assert "TrainerCrashed" in bench.ledger.row("j1").reason


def test_jobs_that_no_phone_is_left_for_are_skipped_with_a_reason(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(3), ["A"])
    bench.unreachable = {"A"}
    bench.run(lambda job, n, phone: "DeviceLost")
    assert {row.state for row in bench.ledger.rows()} == {"skipped"}
    assert {row.reason for row in bench.ledger.rows()} == {"no phone left that fits"}


def test_a_job_that_every_phone_was_passed_over_for_is_skipped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(2), ["A", "B"])
    bench.skips_shut = True
    bench.run(lambda job, n, phone: "GateTimedOut" if job == "j0" or phone == "A" else None)
    states = [(row.task_id, row.state) for row in bench.ledger.rows()]
    assert states == [("j0", "skipped"), ("j1", "finished")]
    assert sorted(phone for job, _, phone in bench.ran if job == "j0") == ["A", "B"]


def test_ctrl_c_puts_running_jobs_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(5), ["A", "B"])
    both = threading.Barrier(2)

    def script(job: str, n: int, phone: str) -> str:
        if both.wait(10) == 0:  # one of the two: a second press would leave at once
            bench.stop.press()
        both.wait(10)
        return "Interrupted"

    bench.run(script)
    assert len(bench.ran) == 2
    assert bench.ledger.counts() == {"queued": 5}
    assert {row.state for row in bench.ledger.attempts()} == {"failed"}
    assert sorted(bench.left) == ["A", "B"]


def test_a_full_disk_stops_the_run_and_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(5), ["A"])

    def script(job: str, n: int, phone: str) -> str:
        raise DiskFullError("the disk is full")

    with pytest.raises(DiskFullError, match="the disk is full"):
        bench.run(script)
    assert len(bench.ran) == 1
    assert bench.ledger.counts() == {"queued": 4, "running": 1}


class Orders:
    """An engine that only remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Order] = []
        self.posted: list[Report] = []
        self.cancelled: list[tuple[RunAttempt, str]] = []

    def submit(self, order: Order) -> None:
        self.told.append(order)

    def reports(self, timeout_s: float) -> list[Report]:
        raise AssertionError("nobody asks")

    def post(self, report: Report) -> None:
        self.posted.append(report)

    def stop(self, *, hard: bool) -> None:
        pass

    def cancel(self, order: RunAttempt, why: str) -> None:
        self.cancelled.append((order, why))

    def close(self) -> None:
        pass


def test_of_two_phones_that_are_free_at_once_the_cool_one_gets_the_last_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(3), ["A", "B"])
    both = frozenset(["A", "B"])
    tickets = [
        Ticket(task, both, heat=heat)
        for task, heat in zip(bench.tasks, (9.0, 5.0, 1.0), strict=True)
    ]
    engine = Orders()
    clock = SystemClock()
    scheduler = Scheduler(
        agenda=Agenda(bench.ledger, tickets, sorted(both), owner="me", clock=clock, order="heat"),
        ledger=bench.ledger,
        engine=engine,
        owner="me",
        stop=bench.stop,
        clock=clock,
        progress=NoProgress(),
    )
    scheduler.turn([Came(phone) for phone in bench.phones])
    scheduler.turn([Prepared(phone.serial, phone) for phone in bench.phones])
    began = [order for order in engine.told if isinstance(order, RunAttempt)]
    assert [(order.serial, order.job_id) for order in began] == [("A", "j0"), ("B", "j1")]
    scheduler.turn([Ended(order.serial, order.job_id, order.attempt) for order in began])
    began = [order for order in engine.told if isinstance(order, RunAttempt)]
    assert (began[-1].serial, began[-1].job_id) == ("B", "j2")


def orders_of(bench: Bench, **more: Any) -> tuple[Scheduler, Orders]:
    engine = Orders()
    scheduler = bench.scheduler(engine, **more)
    scheduler.turn([Came(phone) for phone in bench.phones])
    scheduler.turn([Prepared(phone.serial, phone) for phone in bench.phones])
    return scheduler, engine


def began(engine: Orders) -> list[RunAttempt]:
    return [order for order in engine.told if isinstance(order, RunAttempt)]


def test_a_task_on_the_host_runs_after_its_parents_and_is_tried_again(tmp_path: Path) -> None:
    parents = tasks(2)
    mean = host_task("mean", parents=["j0", "j1"], retries=1)
    bench = Bench(tmp_path, [*parents, mean, Task.of_job(make_spec("next"), None)], ["A", "B"])
    tried: list[RunOnHost] = []

    def do(order: RunOnHost) -> None:
        assert bench.ledger.counts()["finished"] >= 2, "before its parents"
        assert bench.ledger.counted_parents("mean") == ["j0", "j1"]
        tried.append(order)
        if order.attempt == 1:
            raise ValueError("not yet")

    engine = ThreadEngine(bench, run_view(bench, bench.phones, bench.stop))
    bench.script = lambda job, n, phone: None
    bench.scheduler(engine, host=HostThreads(do, engine.post)).run()
    assert tried == [RunOnHost("mean", 1), RunOnHost("mean", 2)]
    assert bench.ledger.counts() == {"finished": 4}
    assert [(row.serial, row.failure) for row in bench.ledger.attempts("mean")] == [
        ("", "ValueError"),
        ("", None),
    ]
    assert Outcome("mean", "finished", 2) in bench.outcomes


def test_a_task_on_the_host_that_fails_for_good_takes_its_children_with_it(tmp_path: Path) -> None:
    child = phone_task("child", parents=["mean"])
    bench = Bench(tmp_path, [host_task("mean"), child], ["A"])

    def do(order: RunOnHost) -> None:
        raise ValueError("wrong")

    engine = ThreadEngine(bench, run_view(bench, bench.phones, bench.stop))
    bench.scheduler(engine, host=HostThreads(do, engine.post)).run()
    assert [(row.task_id, row.state) for row in bench.ledger.rows()] == [
        ("mean", "failed"),
        ("child", "skipped"),
    ]
    assert "wrong (test_scheduler.py:" in bench.ledger.row("mean").reason
    assert bench.ledger.row("child").reason == "mean failed: ValueError"


def test_a_full_disk_under_a_task_of_the_host_stops_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [host_task("mean", retries=3)], ["A"])

    def do(order: RunOnHost) -> None:
        raise DiskFullError("the disk is full")

    engine = ThreadEngine(bench, run_view(bench, bench.phones, bench.stop))
    with pytest.raises(DiskFullError):
        bench.scheduler(engine, host=HostThreads(do, engine.post)).run()
    assert bench.ledger.counts() == {"running": 1}  # `resume` runs it again


def test_tasks_come_while_the_run_goes_on_and_it_ends_when_no_more_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(1), ["A", "B"])
    engine = ThreadEngine(bench, run_view(bench, bench.phones, bench.stop))
    bench.script = lambda job, n, phone: None
    scheduler = bench.scheduler(engine, host=HostThreads(lambda _: None, engine.post))
    intake = scheduler.open_intake()

    def feed() -> None:
        with intake:
            for n in range(5):
                name, before = f"x{n}", f"x{n - 1}" if n else "j0"
                mean = host_task(f"h{n}", parents=[before])
                intake.add([Ticket(mean), bench.ticket(phone_task(name, parents=[f"h{n}"]))])
                assert bench.ledger.row(name).state != "", "the ledger has it when `add` returns"
            with pytest.raises(InputError, match="already"):
                intake.add([bench.ticket(phone_task("x1"))])
            with pytest.raises(InputError, match="parent nobody is unknown"):
                intake.add([bench.ticket(phone_task("y", parents=["nobody"]))])
            with pytest.raises(InputError, match="on no phone"):
                intake.add([bench.ticket(phone_task("y", beside="h1"))])

    thread = threading.Thread(target=feed)
    thread.start()
    scheduler.run()
    thread.join(10)
    assert bench.ledger.counts() == {"finished": 11}
    assert sorted(bench.left) == ["A", "B"]
    assert len(bench.outcomes) == 11
    with pytest.raises(RunOverError):
        intake.add([bench.ticket(phone_task("z"))])


def test_phones_stay_for_what_may_come_and_leave_when_nothing_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [], ["A"])
    engine = Orders()
    scheduler = bench.scheduler(engine)
    intake = scheduler.open_intake()
    scheduler.turn([Came(phone) for phone in bench.phones])
    assert not scheduler.turn([Prepared(phone.serial, phone) for phone in bench.phones])
    assert not [order for order in engine.told if isinstance(order, Leave)]
    intake.close()
    scheduler.turn(engine.posted)
    assert [order for order in engine.told if isinstance(order, Leave)] == [Leave("A")]
    assert scheduler.turn([Left("A")])


def test_added_tasks_are_recorded_before_any_order_and_not_half(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(1), ["A"])
    scheduler, engine = orders_of(bench)
    new = [bench.ticket(replace(phone_task(f"x{n}"), index=5 + n)) for n in range(2)]
    again = bench.ticket(replace(phone_task("j0"), index=9))
    with pytest.raises(LedgerError, match="UNIQUE"):
        scheduler.turn([TasksAdded(tuple(new)), TasksAdded((again,))])
    assert [row.task_id for row in bench.ledger.rows()] == ["j0"]
    assert len(began(engine)) == 1


def test_who_adds_tasks_to_a_run_that_breaks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, [], ["A"])
    engine = ThreadEngine(bench, run_view(bench, bench.phones, bench.stop))
    scheduler = bench.scheduler(engine)
    intake = scheduler.open_intake()

    def broken(_tasks: object) -> None:
        raise LedgerError("the disk is gone")

    monkeypatch.setattr(bench.ledger, "add", broken)
    refused: list[str] = []

    def feed() -> None:
        try:
            intake.add([bench.ticket(phone_task("x"))])
        except RunOverError as error:
            refused.append(str(error))

    adder = threading.Thread(target=feed)
    adder.start()
    with pytest.raises(LedgerError):
        scheduler.run()
    adder.join(10)
    assert refused == ["the disk is gone"]


def test_a_phone_in_quarantine_waits_twice_as_long_each_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tasks(12), ["A", "B"])
    bench.retries = {"ProvisionFailed": 99}
    clock = StillClock()
    engine = Orders()
    scheduler = Scheduler(
        agenda=Agenda(
            bench.ledger,
            [bench.ticket(task) for task in bench.tasks],
            ["A", "B"],
            owner="me",
            clock=clock,
        ),
        ledger=bench.ledger,
        engine=engine,
        owner="me",
        stop=bench.stop,
        clock=clock,
        progress=NoProgress(),
    )
    scheduler.turn([Came(phone) for phone in bench.phones])
    scheduler.turn([Prepared(phone.serial, phone) for phone in bench.phones])
    waits: list[float] = []
    failures = [QUARANTINE_AFTER, 1, 1]  # on probation, one more is enough
    for count in failures:
        for _ in range(count):
            order = [order for order in began(engine) if order.serial == "A"][-1]
            scheduler.turn([Ended("A", order.job_id, order.attempt, kind="ProvisionFailed")])
        begun, asked = clock.now, len(recovers(engine))
        while len(recovers(engine)) == asked:
            clock.now += 1.0
            scheduler.turn([])
        waits.append(clock.now - begun)
        assert recovers(engine)[-1].thorough
        scheduler.turn([Recovered("A")])
    assert waits == [60.0, 120.0, 240.0]


class StillClock(SystemClock):
    """Time that passes when a test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def recovers(engine: Orders) -> list[Recover]:
    return [order for order in engine.told if isinstance(order, Recover)]


def test_a_job_that_is_wanted_no_more_is_skipped_or_stopped(tmp_path: Path) -> None:
    child = replace(phone_task("child", 3, parents=["j1"]))
    bench = Bench(tmp_path, [*tasks(3), child], ["A"])
    scheduler, engine = orders_of(bench)
    (order,) = began(engine)
    assert not scheduler.turn([withdrawn := TasksWithdrawn(("j0", "j1"), "late")])
    assert withdrawn.done.is_set()
    rows = {row.task_id: row for row in bench.ledger.rows()}
    assert {name for name, row in rows.items() if row.is_withdrawn} == {"j0", "j1"}
    assert (rows["child"].state, rows["j2"].state) == ("skipped", "queued")
    assert not rows["child"].is_withdrawn
    assert engine.cancelled == [(order, "late")]
    outcomes = {outcome.task_id: outcome for outcome in bench.outcomes}
    assert (outcomes["j0"].state, outcomes["j0"].reason) == ("withdrawn", "late")
    # its phone is busy until the attempt has ended, then it is another job's
    scheduler.turn([TasksWithdrawn(("j0",), "again")])
    assert len(began(engine)) == len(engine.cancelled) == 1
    scheduler.turn([Ended("A", "j0", 1, kind="Interrupted")])
    assert [order.job_id for order in began(engine)] == ["j0", "j2"]
    scheduler.turn([Ended("A", "j2", 1)])
    assert scheduler.turn([Left("A")])
    assert [row.state for row in bench.ledger.attempts("j0")] == ["failed"]
    scheduler.turn([TasksWithdrawn(("j2",), "late")])
    assert bench.ledger.row("j2").state == "finished", "what has an outcome keeps it"


@pytest.mark.parametrize("how", ["answers all the same", "is lost", "fails"])
def test_what_becomes_of_a_stopped_attempt_changes_nothing_any_more(
    tmp_path: Path, how: str
) -> None:
    bench = Bench(tmp_path, tasks(1), ["A", "B"])
    scheduler, engine = orders_of(bench)
    scheduler.open_intake()
    scheduler.turn([TasksWithdrawn(("j0",), "late")])
    report = {
        "answers all the same": Ended("A", "j0", 1),
        "is lost": Gone("A", "its host is down"),
        "fails": Ended("A", "j0", 1, kind="DeviceLost", clean=False),
    }[how]
    scheduler.turn([report])
    state = {"answers all the same": "finished", "is lost": "lost", "fails": "failed"}[how]
    assert [row.state for row in bench.ledger.attempts("j0")] == [state]
    assert bench.ledger.row("j0").is_withdrawn
    assert len(began(engine)) == 1, "it is not tried again"
    assert len(bench.outcomes) == 1


def test_only_jobs_of_the_run_can_be_withdrawn(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [*tasks(1), host_task("mean", 1)], ["A"])
    scheduler, engine = orders_of(bench, host=HostThreads(lambda _: None, lambda _: None))
    intake = scheduler.open_intake()
    for names, what in ((["j0", "nobody"], "unknown"), (["j0", "mean"], "on the host")):
        with pytest.raises(InputError, match=what):
            intake.withdraw(names, "late")
    assert not engine.posted
    intake.close()
    with pytest.raises(RunOverError):
        intake.withdraw(["j0"], "late")
