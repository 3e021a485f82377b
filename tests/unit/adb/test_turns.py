"""Pushes of one hub take turns: fair, a few at once, and Ctrl-C is heard meanwhile."""

from __future__ import annotations

import threading
import time

import pytest

from harness.adb.turns import AT_ONCE, VARIABLE, Turns, WaitStoppedError, at_once, hub_of
from harness.errors import InputError

LIMIT_S = 20.0


@pytest.mark.parametrize(
    ("path", "hub"),
    [
        ("1-2.3", "1-2"),
        ("1-2.4", "1-2"),
        ("1-2.4.1", "1-2.4"),
        ("2-2.3", "2-2"),
        ("3-1", "3"),  # on a port of the computer itself
        ("", ""),
        ("338690048X", ""),  # as macOS says it
    ],
)
def test_a_hub_is_the_path_without_its_last_port(path: str, hub: str) -> None:
    assert hub_of(path) == hub


def test_the_number_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert at_once() == AT_ONCE
    monkeypatch.setenv(VARIABLE, "2")
    assert at_once() == 2
    for wrong in ("0", "many", "-1"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(InputError, match=VARIABLE):
            at_once()


class Pusher(threading.Thread):
    """A phone that wants its turn and keeps it until it is told to end."""

    def __init__(self, turns: Turns, hub: str, order: list[str], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.turns, self.hub, self.order = turns, hub, order
        self.waits, self.has, self.done = (threading.Event() for _ in range(3))
        self.stop = threading.Event()
        self.stopped = False
        self.start()
        assert wait_for(lambda: self.waits.is_set() or self.has.is_set())

    def run(self) -> None:
        try:
            with self.turns.turn(self.hub, self.stop, self.waits.set):
                self.order.append(self.name)
                self.has.set()
                self.done.wait(LIMIT_S)
        except WaitStoppedError:
            self.stopped = True


def wait_for(true: object) -> bool:
    assert callable(true)
    until = time.monotonic() + LIMIT_S
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return bool(true())


def test_so_many_at_once_a_hub_and_the_next_is_who_asked_first() -> None:
    turns, order = Turns(2), list[str]()
    phones = [Pusher(turns, "1-2", order, f"p{n}") for n in range(5)]
    other = Pusher(turns, "1-3", order, "other")
    assert other.has.is_set(), "another hub is not held back"
    assert [phone.has.is_set() for phone in phones] == [True, True, False, False, False]
    late = Pusher(turns, "1-2", order, "late")
    for phone in (*phones, late):
        assert phone.has.wait(LIMIT_S)
        phone.done.set()
    assert order == ["p0", "p1", "other", "p2", "p3", "p4", "late"]


def test_who_waits_hears_a_stop_and_does_not_keep_the_next_from_its_turn() -> None:
    turns, order = Turns(1), list[str]()
    first, second, third = (Pusher(turns, "", order, name) for name in ("a", "b", "c"))
    second.stop.set()
    second.join(LIMIT_S)
    assert second.stopped
    assert order == ["a"]
    first.done.set()
    assert third.has.wait(LIMIT_S)
    third.done.set()
    assert order == ["a", "c"]
