"""Another client, adbutils, asks what it asks of any phone, and understands the answers."""

import adbutils
import pytest

from harness.adb.server import AdbServer
from tests.fixtures.farm import FarmPhone


@pytest.fixture
def device(stub_phone: FarmPhone, adb_server: AdbServer) -> adbutils.AdbDevice:
    """The phone as adbutils sees it."""
    client = adbutils.AdbClient(host="127.0.0.1", port=adb_server.port)
    return client.device(serial=stub_phone.adb_serial)


def test_what_adbutils_reads(device: adbutils.AdbDevice, stub_phone: FarmPhone) -> None:
    stub_phone.do("battery", percent=64, power="usb")
    battery = device.battery()
    assert (battery.level, battery.usb_powered) == (64, True)
    stub_phone.do("battery", percent=87, power="none")
    assert "org.mobileasr.trainer" in device.list_packages()
    info = device.app_info("org.mobileasr.trainer")
    assert info is not None
    assert info.version_code == 1
    assert device.app_info("org.example.absent") is None
    assert tuple(device.window_size()) == (1080, 2400)
    assert device.is_screen_on() is True
    assert device.wlan_ip() == "192.0.2.15"
    assert device.prop.model == "Pixel 4"
    assert device.getprop("ro.serialno") == stub_phone.serial


def test_starting_and_stopping_apps(device: adbutils.AdbDevice) -> None:
    device.app_start("com.android.settings")
    assert device.app_current().package == "com.android.settings"
    device.app_stop("com.android.settings")
    assert device.shell2("pidof com.android.settings", v2=True).returncode == 1
