"""What is wrong on purpose: the stock client must see what a bad cable or phone shows it."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.errors import AdbError
from tests.fixtures.bare_phone import BarePhone
from tests.integration.virtual_adbd.test_files import MIB, random_file, sha256
from tests.integration.virtual_adbd.test_shell import wait_until


def test_cable_lost_in_a_push(bare_phone: BarePhone, tmp_path: Path) -> None:
    there = random_file(tmp_path / "there", 100 * MIB)
    bare_phone.faults.drop_after_bytes = 20 * MIB
    result = bare_phone.adb("push", str(there), "/data/local/tmp/big")
    assert result.returncode != 0
    target = bare_phone.root.host_path("/data/local/tmp/big")
    assert wait_until(lambda: not target.exists())  # half a file is no file
    assert wait_until(lambda: bare_phone.server.state(bare_phone.address) == "device")
    assert bare_phone.adb("push", str(there), "/data/local/tmp/big").returncode == 0
    assert sha256(target) == sha256(there)


def test_cable_lost_in_a_pull(plain_phone: BarePhone, tmp_path: Path) -> None:
    random_file(plain_phone.root.host_path("/data/local/tmp/big"), 100 * MIB)
    plain_phone.faults.drop_after_bytes = 20 * MIB
    result = plain_phone.adb("pull", "/data/local/tmp/big", str(tmp_path / "back"))
    assert result.returncode != 0
    assert plain_phone.faults.drop_after_bytes is None


def test_cable_out_for_a_while(plain_phone: BarePhone) -> None:
    began = time.monotonic()
    plain_phone.thread.call(lambda: plain_phone.faults.lose_cable(1.5))
    assert wait_until(lambda: plain_phone.server.state(plain_phone.address) != "device")
    assert plain_phone.adb("shell", "true").returncode != 0
    assert wait_until(lambda: plain_phone.server.state(plain_phone.address) == "device", 20)
    assert time.monotonic() - began >= 1.5
    assert plain_phone.adb("shell", "echo back").stdout == b"back\n"


def test_an_unplugged_phone_cannot_be_connected(
    make_bare_phone: Callable[..., BarePhone],
) -> None:
    phone = make_bare_phone(connect=False)
    phone.thread.call(lambda: setattr(phone.faults, "refuse", True))
    with pytest.raises(AdbError, match="refused"):
        phone.connect()
    with socket.socket() as listener, pytest.raises(OSError, match="in use"):
        listener.bind(("127.0.0.1", phone.port))  # refusing, but still the phone's
    phone.thread.call(lambda: setattr(phone.faults, "refuse", False))
    phone.connect()
    assert phone.adb("get-state").stdout == b"device\n"


def test_unauthorized(make_bare_phone: Callable[..., BarePhone]) -> None:
    phone = make_bare_phone(connect=False)
    phone.faults.unauthorized = True
    with pytest.raises(AdbError):
        phone.connect()
    assert wait_until(lambda: phone.server.state(phone.address) == "unauthorized")
    result = phone.adb("shell", "true")
    assert result.returncode != 0
    assert b"unauthorized" in result.stderr


def test_a_silent_phone_is_never_ready(make_bare_phone: Callable[..., BarePhone]) -> None:
    phone = make_bare_phone(connect=False)
    phone.faults.silent = True
    client = phone.popen("connect", phone.address)
    time.sleep(0.5)
    assert phone.server.state(phone.address) != "device"
    assert client.poll() is None  # stock adb waits ten seconds for a banner
    client.kill()
    client.communicate()


def test_output_cut_short_has_no_exit_code(plain_phone: BarePhone) -> None:
    plain_phone.faults.truncate_output_after = 1000
    result = plain_phone.adb("shell", "seq 100000")
    assert len(result.stdout) == 1000
    assert result.returncode != 0
    plain_phone.faults.truncate_output_after = None
    assert plain_phone.adb("shell", "seq 3").stdout == b"1\n2\n3\n"


def test_a_slow_phone_still_answers(plain_phone: BarePhone) -> None:
    plain_phone.faults.delay_s = 0.5
    began = time.monotonic()
    assert plain_phone.adb("shell", "echo slow").stdout == b"slow\n"
    assert time.monotonic() - began >= 0.5


def test_reboot_takes_the_phone_away_and_back(plain_phone: BarePhone) -> None:
    assert plain_phone.adb("reboot").returncode == 0
    assert wait_until(lambda: plain_phone.server.state(plain_phone.address) != "device")
    assert wait_until(lambda: plain_phone.server.state(plain_phone.address) == "device", 20)
