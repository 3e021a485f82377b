"""Which phone is which: twins, phones under several names, phones without a number."""

from __future__ import annotations

import threading
import time

import pytest

from harness.adb.errors import (
    AdbError,
    CommandTimedOut,
    DeviceLost,
    DeviceUnauthorized,
    ServerLost,
)
from harness.devices.inventory import PhoneInfo, inventory
from tests.fixtures.fake_adb import FakeAdb, FakePhone

CHEAP = "0123456789ABCDEF"
BOOTS = [f"{n}{n}{n}{n}{n}{n}{n}{n}-0000-4000-8000-000000000000" for n in range(4)]


def phone(serial: str, number: int, *, path: str = "", printed: str | None = None, **kind: str):
    properties = {
        "ro.serialno": serial if printed is None else printed,
        "ro.product.model": f"M{number}",
    }
    return FakePhone(serial, path=path, properties=properties, boot_id=BOOTS[number], **kind)


def infos(fake: FakeAdb) -> list[PhoneInfo]:
    return inventory(fake.server, {})


def test_twins_by_usb_are_two_phones_and_each_is_spoken_to(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [phone(CHEAP, 1, path="usb:1-1"), phone(CHEAP, 2, path="1-2")]
    twins = infos(fake_adb)
    assert len({info.serial for info in twins}) == 2
    models = {
        info.phone([fake_adb.server]).query(["getprop", "ro.product.model"]).strip()
        for info in twins
    }
    assert models == {"M1", "M2"}


def test_a_phone_without_a_serial_is_used_by_its_path(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [phone("(no serial number)", 1, path="usb:1-4", printed="")]
    (info,) = infos(fake_adb)
    assert info.usable
    assert info.phone([fake_adb.server]).query(["getprop", "ro.product.model"]).strip() == "M1"


def test_two_phones_by_tcp_with_one_number_are_two(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [
        phone("10.0.0.1:5555", 1, printed="SAME"),
        phone("10.0.0.2:5555", 2, printed="SAME"),
    ]
    assert len({info.serial for info in infos(fake_adb)}) == 2


def test_one_phone_under_two_names_with_a_placeholder_is_one(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [
        phone(CHEAP, 1, path="usb:1-1"),
        phone("10.0.0.1:5555", 1, printed=CHEAP),
    ]
    (info,) = infos(fake_adb)
    assert info.also == ("10.0.0.1:5555",)


def test_phones_that_share_a_kernel_are_told_apart_by_their_numbers(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [
        phone("10.0.0.1:5555", 1, printed="ONE"),
        phone("10.0.0.2:5555", 1, printed="TWO"),
        phone("10.0.0.3:5555", 1, printed="TWO"),
    ]
    assert [info.serial for info in infos(fake_adb)] == ["ONE", "TWO"]


def test_a_phone_is_reached_by_its_other_name_when_the_cable_goes(fake_adb: FakeAdb) -> None:
    usb, wifi = phone("R58", 1, path="usb:1-1"), phone("10.0.0.1:5555", 1, printed="R58")
    stranger = phone("10.0.0.9:5555", 2, printed="OTHER")
    fake_adb.phones = [usb, stranger, wifi]
    info = next(info for info in infos(fake_adb) if info.serial == "R58")
    link = info.phone([fake_adb.server])
    assert link.adb_serial == "R58"
    fake_adb.phones = [stranger, wifi]
    link.wait_online(10.0)
    assert link.adb_serial == "10.0.0.1:5555"
    assert link.query(["getprop", "ro.product.model"]).strip() == "M1"


def test_the_name_that_mdns_gives_on_coming_back(fake_adb: FakeAdb) -> None:
    before = phone("adb-R58-x._adb-tls-connect._tcp", 1, printed="R58")
    fake_adb.phones = [before]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones = [phone("adb-R58-x (2)._adb-tls-connect._tcp", 1, printed="R58")]
    link.wait_online(10.0)
    assert link.query(["getprop", "ro.product.model"]).strip() == "M1"


def test_a_stranger_under_a_known_name_is_not_taken(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [phone("R58", 1, path="usb:1-1"), phone("10.0.0.1:5555", 1, printed="R58")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones = [phone("10.0.0.1:5555", 3, printed="OTHER")]
    with pytest.raises(DeviceLost):
        link.wait_online(1.5)
    assert link.adb_serial == "R58"


@pytest.mark.parametrize(
    "state", ["offline", "no permissions", "authorizing", "connecting", "detached"]
)
def test_a_phone_that_is_not_there_for_a_moment_is_waited_for(
    fake_adb: FakeAdb, state: str
) -> None:
    fake_adb.phones = [phone("R58", 1, path="usb:1-1")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones[0].state = state
    with pytest.raises(DeviceLost) as caught:
        link.shell("echo")
    assert not isinstance(caught.value, DeviceUnauthorized)
    threading.Timer(1.0, lambda: setattr(fake_adb.phones[0], "state", "device")).start()
    link.wait_online(20.0)


def test_a_twin_that_is_plugged_in_is_waited_out(fake_adb: FakeAdb) -> None:
    ours = phone("R58", 1, path="usb:1-1")
    fake_adb.phones = [ours]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones = [ours, phone("R58", 2, path="usb:1-2")]
    with pytest.raises(DeviceLost, match="more than one device"):
        link.shell("echo")
    fake_adb.phones = [ours]
    link.wait_online(10.0)


def test_an_adb_server_that_another_tool_restarts_is_waited_for(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [phone("R58", 1, path="usb:1-1")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.stop()
    with pytest.raises(ServerLost):
        link.shell("echo")
    threading.Timer(1.0, fake_adb.start).start()
    link.wait_online(20.0)


@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_phone_that_hangs_is_away_and_one_with_a_slow_service_is_not(
    fake_adb: FakeAdb, all_of_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.adb.link._HANG_PROBE_S", 1.0 if all_of_it else 30.0)
    fake_adb.phones = [phone("R58", 1, path="usb:1-1")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones[0].shell = "sleep 5" if all_of_it else ""
    for _ in range(2):
        with pytest.raises(CommandTimedOut):
            link.shell("sleep 5", 0.5)
        assert (link.away_s is not None) is all_of_it
    fake_adb.phones[0].shell = ""
    link.shell("echo")
    assert link.away_s is None


def test_a_key_that_must_be_accepted_is_said_after_some_seconds(
    fake_adb: FakeAdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.adb.link._KEY_CHECK_S", 0.5)
    fake_adb.phones = [phone("R58", 1, path="usb:1-1")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    fake_adb.phones[0].state = "unauthorized"
    began = time.monotonic()
    with pytest.raises(DeviceUnauthorized, match="accept this computer"):
        link.wait_online(60.0)
    assert time.monotonic() - began < 50


def test_each_state_has_advice(fake_adb: FakeAdb) -> None:
    states = ["detached", "authorizing", "recovery", "sideload", "rescue", "no permissions", "host"]
    fake_adb.phones = [FakePhone(f"P{n}", state) for n, state in enumerate(states)]
    fake_adb.phones.append(FakePhone("", line="who KNOWS what"))
    found = infos(fake_adb)
    assert len(found) == len(states) + 1
    assert all(info.advice for info in found)


def test_an_error_never_prints_a_script(fake_adb: FakeAdb) -> None:
    fake_adb.phones = [phone("R58", 1, path="usb:1-1")]
    link = infos(fake_adb)[0].phone([fake_adb.server])
    script = "exit 3\n" + "echo something long enough to fill a page\n" * 40
    with pytest.raises(AdbError) as caught:
        link.run(script)
    assert len(str(caught.value)) < 300
    fake_adb.phones = []
    with pytest.raises(AdbError) as caught:
        link.run(script)
    assert len(str(caught.value)) < 300
