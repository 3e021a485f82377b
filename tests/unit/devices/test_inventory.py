"""What a phone is, from its own words; and that each phone is there once."""

import pytest

from harness.adb.server import AdbServer
from harness.devices import inventory as module
from harness.devices.inventory import PhoneInfo, describe
from harness.devices.profile import load_profiles
from harness.readings import ReadingError

SERVER = AdbServer("127.0.0.1", 6100)


def text(
    properties: dict[str, str], meminfo: str = "MemTotal: 7700000 kB\nMemAvailable: 4096000 kB\n"
) -> str:
    props = "".join(f"[{name}]: [{value}]\n" for name, value in properties.items())
    return f"{props}\n#mobileasr-meminfo\n{meminfo}"


REAL = {
    "ro.serialno": "abc123",
    "ro.product.device": "OnePlus7T",
    "ro.product.model": "HD1905",
    "ro.build.version.release": "10",
    "ro.build.version.sdk": "29",
    "ro.product.cpu.abi": "arm64-v8a",
}


def test_a_known_real_phone() -> None:
    info = describe(SERVER, "usb1", text(REAL), load_profiles())
    assert (info.serial, info.adb_serial, info.profile) == ("abc123", "usb1", "oneplus-7t")
    assert (info.soc, info.android, info.sdk) == ("Snapdragon 855 Plus", "10", 29)
    assert info.ram_total_mb == pytest.approx(7519.5, abs=0.1)
    assert info.available_mb == 4000
    assert info.idle_available_mb == 4608
    assert (info.origin, info.isolation, info.proc_dir) == ("device", None, "/proc")
    record = info.record()
    assert (record.serial, record.origin, record.model) == ("abc123", "device", "HD1905")


def test_a_virtual_phone_without_a_root_of_its_own() -> None:
    info = describe(
        SERVER,
        "127.0.0.1:1",
        text(
            {
                **REAL,
                "ro.vlab.virtual": "1",
                "ro.vlab.isolation": "none",
                "ro.vlab.host_wide": "loadavg, uptime",
                "debug.mobileasr.work_dir": "/tmp/x y/work",
                "debug.mobileasr.proc_dir": "/tmp/x y/proc",
                "debug.mobileasr.tags": "rack-1,quiet",
            }
        ),
        load_profiles(),
    )
    assert (info.origin, info.isolation, info.host_wide) == (
        "virtual",
        "none",
        ("loadavg", "uptime"),
    )
    assert (info.work_dir, info.proc_dir) == ("/tmp/x y/work", "/tmp/x y/proc")
    assert info.tags == ("rack-1", "quiet")


def test_a_phone_that_nobody_knows() -> None:
    known = {
        "ro.serialno": "",
        "ro.product.model": "X1",
        "ro.soc.manufacturer": "MTK",
        "ro.soc.model": "MT6",
        "ro.vlab.isolation": "none",
    }
    info = describe(SERVER, "usb7", text(known, "nothing"), load_profiles())
    assert (info.serial, info.profile, info.title, info.soc) == ("usb7", "generic", "X1", "MTK MT6")
    assert (info.ram_total_mb, info.available_mb, info.idle_available_mb) == (0.0, None, None)
    assert info.isolation is None, "only a virtual phone may say so"


def test_no_properties_at_all() -> None:
    with pytest.raises(ReadingError):
        describe(SERVER, "usb1", "#mobileasr-meminfo\nMemTotal: 1 kB\n", load_profiles())


def info(serial: str, adb_serial: str, server: str = "s:1", state: str = "device") -> PhoneInfo:
    return PhoneInfo(serial=serial, adb_serial=adb_serial, adb_server=server, state=state)


def test_usb_and_wifi_are_one_phone_and_usb_is_used() -> None:
    found = module._each_once(
        [info("A", "10.0.0.7:5555"), info("A", "A"), info("A", "adb-A-x._adb-tls-connect._tcp")]
    )
    assert len(found) == 1
    assert found[0].adb_serial == "A"
    assert set(found[0].also) == {"10.0.0.7:5555", "adb-A-x._adb-tls-connect._tcp"}


def test_two_usb_phones_with_one_serial_are_two() -> None:
    found = module._each_once([info("DUP", "usb:1-1"[4:]), info("DUP", "usb2")])
    assert len({phone.serial for phone in found}) == 2


def test_one_phone_on_two_servers_is_one() -> None:
    assert len(module._each_once([info("A", "A", "s:1"), info("A", "A", "s:2")])) == 1


def test_an_unusable_phone_does_not_hide_a_usable_one() -> None:
    found = module._each_once([info("A", "A", state="offline"), info("A", "10.0.0.7:5555")])
    assert sorted(phone.state for phone in found) == ["device", "offline"]
