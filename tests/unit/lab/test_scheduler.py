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
from harness.lab.agenda import Agenda, Outcome
from harness.lab.attempt_state import AttemptEnd
from harness.lab.clock import StopSignal, SystemClock
from harness.lab.dispatch import Ticket
from harness.lab.engine import Came, Ended, Engine, Order, Prepared, Report, RunAttempt
from harness.lab.ledger import Ledger
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.scheduler import Rules, Scheduler
from harness.lab.threads import ThreadEngine
from harness.results.files import DiskFullError
from harness.results.model import AttemptResult, FailureRecord
from harness.scenario.task import Task
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
    found = [(row.task_id, row.state) for row in bench.ledger.rows()]
    assert found == [("j0", "skipped"), ("j1", "finished")]
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

    def submit(self, order: Order) -> None:
        self.told.append(order)

    def reports(self, timeout_s: float) -> list[Report]:
        raise AssertionError("nobody asks")

    def post(self, report: Report) -> None:
        self.posted.append(report)

    def stop(self, *, hard: bool) -> None:
        pass

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
    assert [(one.serial, one.job_id) for one in began] == [("A", "j0"), ("B", "j1")]
    scheduler.turn([Ended(one.serial, one.job_id, one.attempt) for one in began])
    began = [order for order in engine.told if isinstance(order, RunAttempt)]
    assert (began[-1].serial, began[-1].job_id) == ("B", "j2")
