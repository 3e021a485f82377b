"""What is done on a phone, in which order, for whichever engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost
from harness.lab.bench import Bench, host_keeper
from harness.lab.clock import SystemClock
from harness.lab.engines.phone_work import PhoneWork, tend
from harness.lab.holding import holder_on_host
from harness.lab.ports import LabPhone, NoProgress
from harness.lab.scheduling.engine import Leave, Left, Order, Prepare, Prepared, Recover, Recovered
from tests.unit.lab.fakes import FakeClock, FakeTools, Output, World, make_phone


class Tools(FakeTools):
    """Writes down what is done; ``held`` says who else holds the phone."""

    def __init__(self) -> None:
        super().__init__(World(FakeClock()))
        self.done: list[str] = []
        self.held = ""
        self.lost = False

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> Output:
        if self.lost:
            raise DeviceLost("gone", serial=phone.serial)
        if self.held:
            return Output(self.held, code=7)
        self.done.append("mark" if "mkdir lease" in command[-1] else "unmark")
        return Output()

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        if self.lost:
            raise DeviceLost("gone", serial=phone.serial)
        self.done.append("clean all" if speech else "clean")
        return ("put back",)


class Lab:
    def __init__(self, root: Path, *, keep: bool = False) -> None:
        self.root = root
        self.tools, self.phone = Tools(), make_phone("A")
        bench = Bench([self.phone], self.tools, lease_root=root)
        self.keeper = host_keeper(bench, "me", "runs/r1")
        self.work = PhoneWork(self.tools, self.keeper, SystemClock(), NoProgress(), keep)
        assert self.work.take(self.phone)

    def tend(self, order: Order) -> object:
        return tend(self.work, order, self.phone)

    @property
    def is_held(self) -> bool:
        return holder_on_host("A", self.root) is not None


def test_a_phone_is_marked_before_it_is_touched_and_freed_when_it_is_clean(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    prepared = lab.tend(Prepare("A"))
    assert isinstance(prepared, Prepared)
    assert prepared.phone is not None
    assert prepared.phone.info.capabilities is not None
    assert prepared.notes == ("put back",)
    assert lab.tend(Recover("A")) == Recovered("A")
    assert lab.is_held
    assert lab.tend(Leave("A")) == Left("A")
    assert lab.tools.done == ["mark", "clean", "mark", "clean", "clean all", "unmark"]
    assert not lab.is_held
    # its host hung, and said so late that it has left: it is asked anew
    assert isinstance(lab.tend(Prepare("A")), Prepared)
    assert lab.is_held


def test_what_runs_there_and_what_shall_stay_is_not_touched(tmp_path: Path) -> None:
    lab = Lab(tmp_path, keep=True)
    lab.tend(Prepare("A", keep=True))
    lab.tend(Leave("A"))
    assert lab.tools.done == ["mark", "unmark"]


def test_a_phone_that_another_host_holds_is_not_touched(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.tools.held = "night (runs-night), for 170 s more"
    why = "A is held by another host: night (runs-night), for 170 s more"
    assert lab.tend(Prepare("A")) == Prepared("A", None, trouble=why)
    assert lab.tend(Recover("A")) == Recovered("A", why)
    assert lab.tools.done == []


@pytest.mark.parametrize("order", [Prepare("A"), Recover("A", thorough=True), Leave("A")])
def test_a_phone_that_does_not_answer_stays_held(tmp_path: Path, order: Order) -> None:
    lab = Lab(tmp_path)
    lab.tend(Prepare("A"))
    lab.tools.lost = True
    report = lab.tend(order)
    assert isinstance(report, (Prepared, Recovered, Left))
    assert "gone" in report.trouble
    assert lab.is_held


def test_a_phone_of_another_run_is_not_taken(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    other = host_keeper(Bench([], lab.tools, lease_root=tmp_path), "you", "runs/r2")
    work = PhoneWork(lab.tools, other, SystemClock(), NoProgress(), keep=False)
    assert not work.take(lab.phone)
    lab.tend(Leave("A"))
    assert work.take(lab.phone)
