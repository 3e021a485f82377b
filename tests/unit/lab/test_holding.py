"""One holder a phone, also when the holder dies, and for as long as it says that it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost
from harness.errors import HarnessError
from harness.lab.clock import SystemClock
from harness.lab.holding import (
    EXPIRES_S,
    RENEW_S,
    Holder,
    HostKeeper,
    PhoneBusyError,
    has_expired,
    holder_on_host,
    keeper,
    take_free,
)
from harness.lab.holding.host_lock import HostLock
from harness.lab.holding.phone_note import LIMIT_S
from harness.lab.ports import LabPhone
from tests.unit.lab.fakes import FakeTools, Output, World, make_phone

OWNER = """
import sys, time
from pathlib import Path
from harness.lab.holding import Holder
from harness.lab.holding.host_lock import HostLock
root = Path(sys.argv[2])
lock = HostLock(sys.argv[1], root)
lock.acquire(Holder.here("other", "runs/x", root))
print("held", flush=True)
time.sleep(20)
"""


def locked(serial: str, root: Path, owner: str = "me", wait_s: float = 0.0) -> HostLock:
    lock = HostLock(serial, root)
    lock.acquire(Holder.here(owner, "runs/a", root), wait_s)
    return lock


# -- the lock on the host -------------------------------------------------------------------------


def test_a_second_owner_is_told_who_holds_it(tmp_path: Path) -> None:
    first = locked("S1", tmp_path)
    with pytest.raises(PhoneBusyError, match=r"S1 is held by me \(pid \d+ on .*, runs/a\)"):
        locked("S1", tmp_path, "you")
    held = holder_on_host("S1", tmp_path)
    assert held is not None
    assert held.by == Holder.here("me", "runs/a", tmp_path)
    assert str(held).startswith(f"runs/a since {held.since_utc} (me, pid ")
    assert held.since_utc.endswith("Z")
    locked("S2", tmp_path, "you").release()
    first.release()
    assert holder_on_host("S1", tmp_path) is None
    locked("S1", tmp_path, "you").release()


def test_a_hostile_serial_stays_in_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "leases"
    locked("../../etc/x\n", root)
    assert len(list(root.iterdir())) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["leases"]


def test_the_kernel_frees_a_dead_owners_phone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, "S1", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(PhoneBusyError, match="held by other"):
            locked("S1", tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert holder_on_host("S1", tmp_path) is None, "what a dead owner wrote does not count"
    locked("S1", tmp_path, wait_s=5)


# -- lock and note together -----------------------------------------------------------------------


class Shell(FakeTools):
    """A phone whose shell is this machine's, with a boot clock of its own."""

    def __init__(self, uptime: Path) -> None:
        super().__init__(World(clock=None))  # type: ignore[arg-type]
        self.uptime = uptime
        self.lost: Callable[[], bool] = lambda: False
        self.asked: list[str] = []
        self.on_shell: Callable[[str], None] = lambda _: None
        self.after_shell: Callable[[str], None] = lambda _: None

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> Output:
        text = command[-1].replace("/proc/uptime", str(self.uptime))
        self.on_shell(text)
        try:
            if self.lost():
                raise DeviceLost("gone", serial=phone.serial)
            done = subprocess.run(
                ["sh", "-c", text], capture_output=True, text=True, timeout=30, check=False
            )
            self.after_shell(text)
            return Output(done.stdout, done.stderr, done.returncode)
        finally:
            self.asked.append(text)


class Hosts:
    """A phone within reach of two hosts."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "here"
        self.uptime = tmp_path / "uptime"
        self.uptime.write_text("1000.00 0.00\n")
        self.shell = Shell(self.uptime)
        self.phone = make_phone(work_dir=str(tmp_path / "work"))
        self.notes: list[str] = []
        self.keeper = self.host("here")

    def host(self, name: str, **options: object) -> HostKeeper:
        root = self.root.with_name(name)
        holder = replace(Holder.here(name, "runs/a", root), host=name)
        tools = self.shell if name == "here" else Shell(self.uptime)
        return HostKeeper(holder, tools, root=root, note=self.notes.append, **options)  # type: ignore[arg-type]

    def take(self) -> None:
        self.keeper.hold(self.phone)

    @property
    def note(self) -> list[str]:
        folder = Path(self.phone.work_dir) / "lease"
        return [path.name for path in folder.iterdir()] if folder.exists() else []

    def others_get_it(self) -> bool:
        """Whether another host gets the phone, and keeps it."""
        there = self.host("there")
        try:
            there.hold(self.phone)
        except PhoneBusyError:
            return False
        finally:
            there.close()
        return True


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_a_phone_is_given_back_note_first(hosts: Hosts) -> None:
    hosts.take()
    assert holder_on_host(hosts.phone.serial, hosts.root) is not None
    locked_at: list[bool] = []
    hosts.shell.on_shell = lambda _: locked_at.append(
        holder_on_host(hosts.phone.serial, hosts.root) is not None
    )
    hosts.keeper.release(hosts.phone.serial)
    assert locked_at == [True], "the note goes while the lock is still ours"
    assert hosts.note == []
    assert holder_on_host(hosts.phone.serial, hosts.root) is None
    assert hosts.keeper.serials == ()
    hosts.keeper.release(hosts.phone.serial)


def test_a_phone_that_does_not_answer_is_still_held(hosts: Hosts) -> None:
    hosts.take()
    hosts.shell.lost = lambda: True
    with pytest.raises(DeviceLost):
        hosts.keeper.release(hosts.phone.serial)
    assert holder_on_host(hosts.phone.serial, hosts.root) is not None
    assert not hosts.others_get_it()
    hosts.shell.lost = lambda: False
    hosts.keeper.release(hosts.phone.serial)
    assert hosts.note == []
    assert hosts.others_get_it()


def test_what_is_left_at_the_end_is_free_here_and_runs_out_elsewhere(hosts: Hosts) -> None:
    hosts.take()
    hosts.keeper.close()
    assert not hosts.others_get_it()
    again = hosts.host("here")
    assert take_free(again, [hosts.phone]) == {}
    again.hold(hosts.phone)  # the one before is dead: its lock was free
    again.close()
    hosts.uptime.write_text(f"{1000 + EXPIRES_S + 1}.00 0.00\n")
    assert hosts.others_get_it()


def test_a_phone_held_for_a_while(hosts: Hosts) -> None:
    with hosts.keeper.held(hosts.phone):
        assert take_free(hosts.host("here"), [hosts.phone]) != {}
        assert not hosts.others_get_it()
    assert (hosts.note, hosts.keeper.serials) == ([], ())
    with pytest.raises(HarnessError, match="full"), hosts.keeper.held(hosts.phone):
        raise HarnessError("full")
    assert hosts.keeper.serials == ()


def test_another_process_of_the_same_run_takes_over(hosts: Hosts) -> None:
    hosts.take()
    hosts.keeper.hand_over("here again")
    with pytest.raises(PhoneBusyError, match="held by here again"):
        hosts.host("here").take(hosts.phone)
    assert ",here," in hosts.note[0], "it is the dead one's until the phone is held anew"
    hosts.keeper.hold(hosts.phone)
    assert ",here-again" in hosts.note[0]


# -- saying that one lives ------------------------------------------------------------------------


class Hours(SystemClock):
    """The phone's time and the host's; it passes only while the keeper waits to renew."""

    STEP_S = 15.0

    def __init__(self, hosts: Hosts, end_s: float) -> None:
        self.hosts, self.end_s = hosts, end_s
        self.now = 1000.0
        self.waits = 0
        self.before = len(hosts.shell.asked)
        self.taken_at: list[float] = []
        self.over = threading.Event()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        until = time.monotonic() + 60
        while len(self.hosts.shell.asked) - self.before < self.waits:  # the last renewal is done
            assert time.monotonic() < until
            time.sleep(0.002)
        self.waits += 1
        wake = self.now + seconds
        while self.now < wake and not self.over.is_set():
            self.now = min(wake, self.now + self.STEP_S)
            self.hosts.uptime.write_text(f"{self.now:.2f} 0.00\n")
            if self.hosts.others_get_it():
                self.taken_at.append(self.now)
            if self.taken_at or self.now >= self.end_s:
                self.over.set()
        if self.over.is_set():
            event.wait(60)
            return True
        return False


@pytest.mark.parametrize("missed", [0, 2])
def test_a_holder_that_renews_is_never_taken_over(hosts: Hosts, missed: int) -> None:
    clock = Hours(hosts, 1000.0 + 10 * EXPIRES_S)
    hosts.keeper = hosts.host("here", clock=clock)
    hosts.take()
    clock.before = len(hosts.shell.asked)
    # of each so many renewals only the last one reaches the phone
    hosts.shell.lost = lambda: clock.waits % (missed + 1) != 0
    with hosts.keeper.renewing():
        assert clock.over.wait(120)
    assert clock.taken_at == []
    hosts.uptime.write_text(f"{clock.now + EXPIRES_S + 1:.2f} 0.00\n")
    assert hosts.others_get_it(), "one that does not renew any more is taken over"


def test_two_slow_renewals_may_fail_before_the_note_runs_out() -> None:
    assert 3 * RENEW_S + LIMIT_S <= EXPIRES_S
    assert not has_expired(3 * RENEW_S + LIMIT_S)
    assert has_expired(EXPIRES_S + 1)


def test_a_holder_that_lost_its_note_says_so_once(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RENEW_S", 0.01)
    hosts.take()
    beats: list[None] = []

    def renewed(times: int) -> None:
        until, begun = time.monotonic() + 60, len(beats)
        while len(beats) < begun + times:
            assert time.monotonic() < until
            time.sleep(0.01)

    def beat() -> None:
        beats.append(None)
        raise HarnessError("a full disk keeps no phone from being renewed")

    with hosts.keeper.renewing(beat):
        renewed(3)
        assert hosts.notes == []
        for path in (Path(hosts.phone.work_dir) / "lease").iterdir():
            path.unlink()
        renewed(20)
        assert len(hosts.notes) == 1
        assert "the note that this run holds it is gone" in hosts.notes[0]
        hosts.keeper.hold(hosts.phone)  # it was away, and is prepared anew
        asked = len(hosts.shell.asked)
        renewed(20)
        assert len(hosts.shell.asked) > asked, "it is renewed again"
        hosts.keeper.release(hosts.phone.serial)
        renewed(20)
        assert len(hosts.notes) == 1, "one that has left is not missed"


def test_a_phone_that_is_held_anew_while_its_note_is_missed_is_renewed_again(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "RENEW_S", 0.01)
    hosts.take()
    again = threading.Thread(target=hosts.take)

    def between(_: str) -> None:
        hosts.shell.after_shell = lambda _: None
        again.start()
        again.join(0.3)

    for path in (Path(hosts.phone.work_dir) / "lease").iterdir():
        path.unlink()
    hosts.shell.after_shell = between
    with hosts.keeper.renewing():
        until = time.monotonic() + 60
        while len(hosts.shell.asked) < 6:
            assert time.monotonic() < until, "nobody renews it any more"
            time.sleep(0.01)
    assert hosts.note != []
