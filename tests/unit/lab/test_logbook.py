"""What the log of a run says of orders and reports, notes, and jobs that were skipped."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.lab.bench import Bench
from harness.lab.ledger.ledger import Ledger
from harness.lab.logbook import LoggedEngine, LoggedProgress, logged
from harness.lab.ports import NoProgress
from harness.lab.scheduling.engine import (
    Came,
    Ended,
    Gone,
    Order,
    Prepare,
    Report,
    RunAttempt,
    Stepped,
)
from harness.log import LogLine, read_log, run_log
from harness.scenario import tasks_of
from tests.unit.lab.fakes import FakeClock, FakeTools, World, make_phone, make_spec


class Scripted:
    """An engine that reports what it was given."""

    def __init__(self, reports: list[Report]) -> None:
        self.orders: list[Order] = []
        self._reports = reports

    def submit(self, order: Order) -> None:
        self.orders.append(order)

    def reports(self, wait_s: float) -> Sequence[Report]:
        return self._reports

    def post(self, report: Report) -> None:
        self._reports.append(report)

    def stop(self, *, hard: bool) -> None:
        pass

    def cancel(self, order: RunAttempt, why: str) -> None:
        pass

    def close(self) -> None:
        pass


def said(row: LogLine) -> tuple[str, str, str, str]:
    return (row.level, row.serial, row.job, row.message)


def test_orders_and_reports_name_phone_and_attempt(tmp_path: Path) -> None:
    reports: list[Report] = [
        Came(make_phone("SER1")),
        Stepped("SER1", "ab12", 1, "train"),
        Ended("SER1", "ab12", 1, kind="DeviceLost", message="the cable", clean=False),
        Ended("SER1", "ab12", 2),
        Gone("SER2", "its worker is gone"),
    ]
    engine = Scripted(reports)
    orders: list[Order] = [Prepare("SER1", keep=True), RunAttempt("SER1", "ab12", 1)]
    with run_log(tmp_path):
        recorded = LoggedEngine(engine)
        for order in orders:
            recorded.submit(order)
        assert recorded.reports(0) == reports
    assert engine.orders == orders
    assert [said(row) for row in read_log(tmp_path)] == [
        ("INFO", "SER1", "", "order Prepare keep=True"),
        ("INFO", "SER1", "ab12/1", "order RunAttempt"),
        ("INFO", "SER1", "", "report Came as 127.0.0.1:7001 on 127.0.0.1:5999"),
        ("INFO", "SER1", "ab12/1", "report Stepped step=train"),
        (
            "WARNING",
            "SER1",
            "ab12/1",
            "report Ended kind=DeviceLost message=the cable clean=False",
        ),
        ("INFO", "SER1", "ab12/2", "report Ended"),
        ("WARNING", "SER2", "", "report Gone why=its worker is gone"),
    ]


def test_a_run_says_what_was_skipped_and_why(tmp_path: Path) -> None:
    jobs = [make_spec(f"job-{n}").model_copy(update={"index": n}) for n in (0, 1)]
    bench = Bench([], FakeTools(World(FakeClock())))
    with Ledger.create(tmp_path / "l.sqlite", tasks_of(jobs)) as ledger:
        ledger.set_state(jobs[1].job_id, "skipped", "no phone left that fits")

        def run() -> None:
            with logged(tmp_path, ledger, bench, {"SER9": "leased by another run"}):
                LoggedProgress(NoProgress()).note("what the user is told")
                raise HarnessError("a full disk")

        with pytest.raises(HarnessError):
            run()
    rows = [said(row) for row in read_log(tmp_path)]
    assert ("WARNING", "SER9", "", "not this run's: leased by another run") in rows
    assert ("INFO", "", "", "what the user is told") in rows
    assert ("ERROR", "", "", "the run ends: HarnessError: a full disk") in rows
    assert ("WARNING", "", jobs[1].job_id, "skipped: no phone left that fits") in rows
    assert rows[-1][3].endswith("is left: 1 queued, 1 skipped")
    assert logging.getLogger("harness").handlers == []
