"""Which virtual phone is which: by the boot id that each kernel makes for itself."""

import asyncio

import pytest

from harness.adb.server import AdbServer
from harness.devices.inventory import PhoneInfo, inventory
from harness.virtual import adb_server as virtual_adb_server
from tests.fixtures.farm import FarmPhone, FarmStarter, eventually

ISOLATIONS = ["none", pytest.param("userns", marks=pytest.mark.userns)]


def _boot_id(phone: FarmPhone) -> str:
    return phone.sh(f"cat '{phone.proc_dir}/sys/kernel/random/boot_id'").strip()


def _listed(server: AdbServer, *names: str) -> list[PhoneInfo]:
    return inventory(server, only=names)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_two_phones_with_one_serial_number_are_two(
    start_farm: FarmStarter, adb_server: AdbServer, isolation: str
) -> None:
    phones = start_farm({"pixel-4": 2}, options=["--isolation", isolation]).phones
    for phone in phones:
        (phone.root / "dev/__props/ro.serialno").write_text("0123456789ABCDEF\n")
    assert {phone.sh("getprop ro.serialno") for phone in phones} == {"0123456789ABCDEF\n"}
    first, second = phones
    assert _boot_id(first) != _boot_id(second)
    infos = _listed(adb_server, first.adb_serial, second.adb_serial)
    assert {info.adb_serial for info in infos} == {first.adb_serial, second.adb_serial}
    assert len({info.serial for info in infos}) == 2
    assert [info.also for info in infos] == [(), ()]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_one_phone_under_two_addresses_is_one(
    start_farm: FarmStarter, adb_server: AdbServer, isolation: str
) -> None:
    (phone,) = start_farm({"pixel-4": 1}, options=["--isolation", isolation]).phones
    again = phone.adb_serial.replace("127.0.0.1", "localhost")
    asyncio.run(virtual_adb_server.connect("127.0.0.1", adb_server.port, again))
    try:
        (info,) = _listed(adb_server, phone.adb_serial, again)
        assert {info.adb_serial, *info.also} == {phone.adb_serial, again}
    finally:
        asyncio.run(virtual_adb_server.disconnect("127.0.0.1", adb_server.port, again))


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_each_boot_has_an_id_of_its_own(start_farm: FarmStarter, isolation: str) -> None:
    (phone,) = start_farm({"pixel-4": 1}, options=["--isolation", isolation]).phones
    before = _boot_id(phone)
    assert _boot_id(phone) == before
    phone.do("reboot", seconds=0.5)
    eventually(lambda: phone.state()["boots"] == 2, timeout_s=30)
    eventually(lambda: phone.adb("shell", "true").returncode == 0, timeout_s=30)
    assert _boot_id(phone) != before
