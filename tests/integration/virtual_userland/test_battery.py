"""``dumpsys battery``: set, unplug, reset; and the battery under it."""

import pytest

from harness.readings.battery import Battery, parse_battery
from tests.fixtures.farm import FarmPhone


def _battery(phone: FarmPhone) -> Battery:
    return parse_battery(phone.sh("dumpsys battery"))


@pytest.fixture(autouse=True)
def _reset(stub_phone: FarmPhone) -> None:
    stub_phone.sh("dumpsys battery reset")
    stub_phone.do("battery", percent=87, power="none")


def test_unplug_stops_updates_until_reset(stub_phone: FarmPhone) -> None:
    stub_phone.do("battery", power="usb")
    plugged = _battery(stub_phone)
    assert plugged.usb_powered is True
    assert plugged.status_name == "charging"
    assert plugged.updates_stopped is False
    assert stub_phone.sh("dumpsys battery unplug") == ""
    unplugged = _battery(stub_phone)
    assert unplugged.plugged is False
    assert unplugged.updates_stopped is True
    stub_phone.do("battery", percent=40)
    assert _battery(stub_phone).percent == 87
    stub_phone.sh("dumpsys battery reset")
    back = _battery(stub_phone)
    assert (back.percent, back.usb_powered, back.updates_stopped) == (40, True, False)


def test_set_level_is_what_processes_see(stub_phone: FarmPhone) -> None:
    stub_phone.sh("dumpsys battery set level 19; cmd battery set temp 412")
    faked = _battery(stub_phone)
    assert (faked.percent, faked.temperature_c, faked.updates_stopped) == (19, 41.2, True)
    for wrong in ("set", "set level", "set level many", "set colour 3", "explode"):
        assert stub_phone.adb("shell", f"dumpsys battery {wrong}").returncode == 255
    assert _battery(stub_phone).percent == 19


def test_the_true_level_counter_and_voltage_agree(stub_phone: FarmPhone) -> None:
    seen = []
    for percent in (100, 60, 20):
        stub_phone.do("battery", percent=percent)
        seen.append(_battery(stub_phone))
    assert [b.percent for b in seen] == [100, 60, 20]
    capacity = 2800  # mAh, the profile's
    for battery in seen:
        expected = capacity * 10 * (battery.percent or 0)
        assert battery.charge_counter_raw == pytest.approx(expected, rel=0.001)
    voltages = [b.voltage_mv or 0 for b in seen]
    assert voltages == sorted(voltages, reverse=True)
