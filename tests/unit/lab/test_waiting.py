"""Waiting for phones that another run holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import NoPhoneError
from harness.lab import RunSettings
from harness.lab.bench import Bench, host_keeper, manned
from harness.lab.clock import StopRequestedError, StopSignal, SystemClock
from harness.lab.holding import holder_on_host
from harness.lab.planning.materials import Materials
from harness.lab.planning.plan import Plan, make_plan
from harness.lab.ports import LabPhone, NoProgress
from harness.scenario import expand_jobs, parse_scenario, tasks_of
from harness.yamlio import parse_yaml
from tests.unit.lab.fakes import FakeTools, World, make_phone


class Told(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Happens(SystemClock):
    """Instead of waiting, does what happens meanwhile."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self.happens = list(happens)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.happens.pop(0)()
        return event.is_set()


def plan(text: str, phones: list[LabPhone]) -> Plan:
    head = "name: t\nmodel: ds2-tiny\ntrainer: {batch_size: 2}\n"
    raw, lines = parse_yaml(head + text, "s.yaml")
    loaded = parse_scenario(raw, lines, folder=Path())
    return make_plan(Materials(Path()).needs(tasks_of(expand_jobs(loaded))), phones)


def bench(root: Path, phones: list[LabPhone], *happens: Callable[[], object]) -> Bench:
    tools = FakeTools(World(clock=None))  # type: ignore[arg-type]
    return Bench(phones, tools, lease_root=root, clock=Happens(*happens))  # type: ignore[arg-type]


BOTH = "matrix: {phones.serial: [A, B]}"


def test_it_waits_until_every_job_has_a_phone_and_holds_none_meanwhile(tmp_path: Path) -> None:
    phones = [make_phone("A"), make_phone("B")]
    other = host_keeper(bench(tmp_path, phones), "else", "runs/x")
    other.take(phones[0])
    told = Told()

    def still_held() -> None:
        # B is free for others: two runs that wait for each other's phones would wait for ever
        assert holder_on_host("B", tmp_path) is None

    here = bench(tmp_path, phones, still_held, still_held, other.close)
    settings = RunSettings(progress=told, wait=True)
    with manned(here, plan(BOTH, phones), "me", "runs/me", settings) as (crew, jobs, busy):
        assert set(crew.keeper.serials) == {"A", "B"}
        assert [job.candidates for job in jobs] == [("A",), ("B",)]
        assert busy == {}
    assert holder_on_host("A", tmp_path) is None
    assert len(told.notes) == 1, "said once, not at each look"
    assert told.notes[0].startswith("waiting: A is held by else (pid")


def test_a_phone_that_no_job_needs_is_not_waited_for(tmp_path: Path) -> None:
    phones = [make_phone("A"), make_phone("B")]
    with host_keeper(bench(tmp_path, phones), "else", "runs/x") as other:
        other.take(phones[0])
        settings = RunSettings(wait=True)
        with manned(bench(tmp_path, phones), plan("", phones), "me", "r", settings) as held:
            assert held[1][0].candidates == ("B",)


def test_ctrl_c_ends_the_wait(tmp_path: Path) -> None:
    phones = [make_phone("A"), make_phone("B")]
    with host_keeper(bench(tmp_path, phones), "else", "runs/x") as other:
        other.take(phones[0])
        stop = StopSignal()
        settings = RunSettings(wait=True, stop=stop)
        here = bench(tmp_path, phones, stop.press)
        with (
            pytest.raises(StopRequestedError),
            manned(here, plan(BOTH, phones), "me", "r", settings),
        ):
            pass
        with (
            pytest.raises(NoPhoneError, match=r"--wait does"),
            manned(here, plan(BOTH, phones), "me", "r", RunSettings()),
        ):
            pass
