"""`FileFollower` over a bad cable: what arrives is what was written, byte for byte."""

import contextlib
import hashlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost
from harness.adb.follow import FileFollower
from harness.adb.phone import Phone
from harness.adb.shell import quote
from tests.fixtures.bare_phone import BarePhone

# Lines of changing length, with a pause now and then, as a trainer's log grows.
WRITER = """
i=0
while [ $i -lt {lines} ]; do
  printf '%s line of the log %s\\n' "$i" "$(printf '%*s' $((i % 40)) '')"
  i=$((i + 1))
  [ $((i % 20)) -eq 0 ] && sleep 0.02
done >> {path}
touch {path}.done
"""


@pytest.fixture
def phone(plain_phone: BarePhone) -> Phone:
    return Phone(plain_phone.server, plain_phone.address, "SERIAL1")


@pytest.fixture
def path(plain_phone: BarePhone) -> str:
    return f"{plain_phone.tmp}/it's events.jsonl"


def expected(lines: int) -> bytes:
    return "".join(f"{i} line of the log {' ' * (i % 40)}\n" for i in range(lines)).encode()


def write_detached(phone: Phone, path: str, lines: int) -> None:
    script = WRITER.format(lines=lines, path=quote(path))
    phone.run(f"(setsid sh -c {quote(script)} >/dev/null 2>&1 &)")


def read_until(follower: FileFollower, size: int, limit_s: float = 90.0) -> bytes:
    content = bytearray()
    end = time.monotonic() + limit_s
    while len(content) < size and time.monotonic() < end:
        content += follower.read(0.2)
    return bytes(content)


@pytest.mark.parametrize("gather_s", [0.0, 0.4])
def test_nothing_lost_and_nothing_twice_over_a_cable_that_breaks(
    phone: Phone, path: str, plain_phone: BarePhone, gather_s: float
) -> None:
    wanted = expected(1500)
    chance = random.Random(7)
    stop = threading.Event()

    def shake() -> None:
        # Not for ever: a cable that goes while the adb server shakes hands costs it ten seconds.
        for _ in range(6):
            if stop.wait(chance.uniform(0.1, 0.4)):
                return
            gone = chance.choice([0.0, 0.0, 0.3])
            plain_phone.thread.call(lambda gone=gone: plain_phone.faults.lose_cable(gone))

    with FileFollower(phone, path, gather_s=gather_s) as follower:
        write_detached(phone, path, 1500)
        shaker = threading.Thread(target=shake)
        shaker.start()
        try:
            got = read_until(follower, len(wanted))
        finally:
            stop.set()
            shaker.join()
        losses = follower.losses
        assert len(got) == len(wanted)
        assert hashlib.sha256(got).hexdigest() == hashlib.sha256(wanted).hexdigest()
        assert follower.offset == len(wanted)
    assert losses, "the cable never broke: this test showed nothing"
    assert all(loss.seconds >= 0 and loss.reason for loss in losses)


def test_waits_for_a_file_that_is_not_there_yet(phone: Phone, path: str) -> None:
    with FileFollower(phone, path) as follower:
        assert follower.read(0.3) == b""
        phone.run(f"printf 'first' > {quote(path)}")
        assert read_until(follower, 5) == b"first"
        phone.run(f"printf ' second' >> {quote(path)}")
        assert read_until(follower, 7) == b" second"


def test_begins_at_an_offset(phone: Phone, path: str) -> None:
    phone.write_text(path, "0123456789")
    with FileFollower(phone, path, offset=4) as follower:
        assert read_until(follower, 6) == b"456789"
        assert follower.offset == 10
        assert follower.read(0.1) == b""


def test_stop_from_another_thread_ends_a_read(phone: Phone, path: str) -> None:
    with FileFollower(phone, path) as follower:
        assert follower.read(0.2) == b""
        stopper = threading.Timer(0.2, follower.stop)
        stopper.start()
        began = time.monotonic()
        assert list(follower) == []
        assert follower.read(30.0) == b""
        assert time.monotonic() - began < 10
        stopper.join()


def tails(bare: BarePhone) -> list[int]:
    """Host pids of the phone's processes that follow the log."""
    found = []
    for pid in bare.thread.call(bare.root.pids):
        with contextlib.suppress(OSError):
            if b"events.jsonl" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def test_leaves_no_process_on_the_phone(phone: Phone, path: str, plain_phone: BarePhone) -> None:
    phone.write_text(path, "x")
    with FileFollower(phone, path) as follower:
        read_until(follower, 1)
        assert len(tails(plain_phone)) == 1
    end = time.monotonic() + 10
    while tails(plain_phone) and time.monotonic() < end:
        time.sleep(0.05)
    assert tails(plain_phone) == []


def test_drain_takes_all_that_is_there(phone: Phone, path: str) -> None:
    phone.write_text(path, "a" * 300_000)
    with FileFollower(phone, path, offset=100_000) as follower:
        assert follower.drain() == b"a" * 200_000
        assert follower.drain() == b""


def test_a_killed_tail_is_started_again(phone: Phone, path: str, plain_phone: BarePhone) -> None:
    phone.write_text(path, "one")
    with FileFollower(phone, path) as follower:
        assert read_until(follower, 3) == b"one"
        os.kill(tails(plain_phone)[0], signal.SIGKILL)
        phone.run(f"printf two >> {quote(path)}")
        assert read_until(follower, 3) == b"two"
        assert len(follower.losses) == 1


def test_a_stream_that_stands_still_is_noticed(
    phone: Phone, path: str, plain_phone: BarePhone
) -> None:
    phone.write_text(path, "one")
    with FileFollower(phone, path, check_s=0.2) as follower:
        assert read_until(follower, 3) == b"one"
        # a stopped tail looks just as a dead link does: the file grows, nothing comes
        os.kill(tails(plain_phone)[0], signal.SIGSTOP)
        phone.run(f"printf two >> {quote(path)}")
        assert read_until(follower, 3) == b"two"
        assert "stands still" in follower.losses[0].reason


def test_a_phone_that_stays_away_is_lost(phone: Phone, path: str, plain_phone: BarePhone) -> None:
    phone.write_text(path, "one")
    with FileFollower(phone, path, lost_timeout_s=0.5) as follower:
        assert read_until(follower, 3) == b"one"
        plain_phone.thread.call(lambda: plain_phone.faults.lose_cable(float("inf")))
        with pytest.raises(DeviceLost):
            read_until(follower, 1, limit_s=20)
        plain_phone.thread.call(plain_phone.faults.restore_cable)
        phone.wait_online(20)
        phone.run(f"printf two >> {quote(path)}")
        assert read_until(follower, 3) == b"two"


def test_a_file_is_gathered_on_the_phone_until_there_is_a_hurry(phone: Phone, path: str) -> None:
    phone.run(f"echo one > {quote(path)}")
    with FileFollower(phone, path, gather_s=3600.0) as follower:
        assert read_until(follower, 4) == b"one\n"
        while follower.read(1.5):
            pass
        time.sleep(3.5)  # its first short pauses are over
        phone.run(f"echo two >> {quote(path)}")
        assert follower.read(1.0) == b""
        threading.Timer(0.3, follower.hurry).start()
        assert follower.read(20.0) == b""  # woken: no further piece of what was gathered
        assert read_until(follower, 4) == b"two\n"
        phone.run(f"echo three >> {quote(path)}")
        assert read_until(follower, 6) == b"three\n"
        assert follower.losses == []
        follower.hurry()
        assert follower.read(0.2) == b""
        assert follower.losses == []
