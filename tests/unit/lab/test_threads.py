"""Phones that join a run of this host, and those of it that come back at another place."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.adb.errors import ServerUnavailable
from harness.lab.attempt.state import AttemptRequest
from harness.lab.clock import StopSignal
from harness.lab.engines import threads
from harness.lab.engines.threads import ThreadEngine
from harness.lab.ports import LabPhone
from harness.lab.scheduling.engine import (
    Broke,
    Came,
    Ended,
    Leave,
    Left,
    Prepare,
    Prepared,
    RunAttempt,
)
from harness.results.files import DiskFullError
from tests.unit.lab.fakes import make_phone, run_view


class Lab:
    """Work that is done at once, and phones that come and go."""

    def __init__(self) -> None:
        self.there: list[LabPhone] = []
        self.looks = 0
        self.lost = False
        self.busy: set[str] = set()
        self.taken: list[str] = []
        self.used: list[str] = []
        """As the adb server called the phones that were worked with."""
        self.stop = StopSignal()
        self.engine = ThreadEngine(self, run_view(self, [make_phone("A")], self.stop), self.look)  # type: ignore[arg-type]

    def look(self) -> list[LabPhone]:
        self.looks += 1
        if self.lost:
            raise ServerUnavailable("nobody answers")
        return list(self.there)

    def wants(self, phone: LabPhone) -> bool:
        return phone.serial != "UNFIT"

    def request(self, order: RunAttempt, phone: LabPhone) -> Any:
        return SimpleNamespace(phone=phone)

    def take(self, phone: LabPhone) -> bool:
        if phone.serial in self.busy:
            return False
        self.taken.append(phone.serial)
        return True

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, list[str]]:
        self.used.append(phone.info.adb_serial)
        return phone, []

    def attempt(self, request: AttemptRequest, stop: StopSignal, on_step: Any) -> None:
        self.used.append(request.phone.info.adb_serial)
        raise OSError("an error that is no attempt's failure")

    def leave(self, phone: LabPhone) -> None:
        pass

    def looked(self, times: int = 2) -> None:
        """Wait until it has been looked for phones so many times more."""
        enough = self.looks + times
        eventually(lambda: self.looks >= enough)

    def next(self, kind: type[Any]) -> Any:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for report in self.engine.reports(0.2):
                assert isinstance(report, kind), report
                return report
        raise AssertionError(f"no {kind}")

    def came(self) -> str:
        serial: str = self.next(Came).phone.serial
        return serial


def eventually(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr(threads, "LOOK_S", 0.01)
    made = Lab()
    assert made.came() == "A"
    yield made
    made.engine.close()


def test_a_phone_joins_if_a_job_fits_and_nobody_holds_it(lab: Lab) -> None:
    lab.busy = {"B"}
    lab.there = [make_phone("UNFIT"), make_phone("B"), make_phone("A")]
    lab.looked()
    assert lab.taken == []
    lab.lost = True
    lab.looked()
    lab.lost, lab.busy = False, set()
    assert lab.came() == "B"
    lab.looked()
    assert lab.taken == ["B"], "once"


def test_a_phone_that_has_left_does_not_join_again(lab: Lab) -> None:
    lab.engine.submit(Leave("A"))
    assert lab.next(Left).trouble == ""
    lab.there = [make_phone("A")]
    lab.looked()
    assert lab.taken == []


def test_no_phone_joins_a_run_that_stops_or_is_over(lab: Lab) -> None:
    lab.stop.press()
    lab.there = [make_phone("B")]
    lab.looked()
    lab.stop.gentle.clear()
    lab.engine.close()
    time.sleep(0.05)
    assert lab.taken == []


def test_a_full_disk_of_this_host_is_told_as_such(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "probe/back")

    monkeypatch.setattr(Lab, "leave", full)
    lab.engine.submit(Leave("A"))
    error = lab.next(Broke).error
    assert isinstance(error, DiskFullError)
    assert "probe/back" in str(error)
    assert "harness resume" in str(error)


def test_a_phone_that_moved_is_reached_there(lab: Lab) -> None:
    moved = make_phone("A", adb_serial="10.0.0.7:5555")
    lab.engine.submit(Prepare("A"))
    before = lab.next(Prepared).phone.info.adb_serial
    lab.there = [replace(moved, handle="new")]
    lab.looked()
    lab.engine.submit(RunAttempt("A", "job-1", 1))
    assert "no attempt's failure" in str(lab.next(Broke).error)
    assert lab.used == [before, "10.0.0.7:5555"]


def test_one_attempt_is_stopped_alone_or_all_with_the_run(lab: Lab) -> None:
    signals: dict[str, StopSignal] = {}

    def attempt(request: Any, stop: StopSignal, on_step: Any) -> None:
        signals[request.phone.serial] = stop
        assert stop.gentle.wait(60)

    lab.attempt = attempt  # type: ignore[method-assign]
    lab.there = [make_phone("B")]
    lab.next(Came)
    first, second = RunAttempt("A", "j", 1), RunAttempt("B", "k", 1)
    for order in (first, second):
        lab.engine.submit(order)
    lab.engine.cancel(first, "late")  # also if its thread has not begun
    assert lab.next(Ended).job_id == "j"
    assert (signals["A"].why, lab.stop.requested) == ("late", False)
    lab.engine.cancel(first, "once more")  # it has ended
    eventually(lambda: "B" in signals)
    assert not signals["B"].requested
    lab.stop.press()
    assert lab.next(Ended).job_id == "k"
    assert signals["B"].why == "stopped by the user"
    assert not signals["B"].hard.is_set()
