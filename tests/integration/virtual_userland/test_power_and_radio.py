"""Screen, stay-awake, power save, doze, airplane mode, Wi-Fi, zram: what a lab sets and reads."""

import re
from collections.abc import Iterator

import pytest

from tests.fixtures.farm import FarmPhone, eventually

pytestmark = pytest.mark.parametrize("stub_phone", ["none"], indirect=True)


@pytest.fixture
def phone(stub_phone: FarmPhone) -> Iterator[FarmPhone]:
    """A phone, switched back to how it came."""
    yield stub_phone
    stub_phone.do("battery", power="none")
    for command in (
        "input keyevent WAKEUP", "svc power stayon false", "cmd power set-mode 0",
        "dumpsys deviceidle enable", "dumpsys deviceidle unforce", "svc wifi enable",
        "cmd connectivity airplane-mode disable", "am force-stop com.android.browser",
        "am force-stop com.android.settings",
    ):  # fmt: skip
        stub_phone.sh(command)


def test_the_screen_sleeps_unless_it_must_stay_on(phone: FarmPhone) -> None:
    def awake() -> bool:
        return "mWakefulness=Awake" in phone.sh("dumpsys power")

    assert awake()
    phone.sh("input keyevent 26")
    assert not awake()
    assert "Display Power: state=OFF" in phone.sh("dumpsys power")
    phone.sh("svc power stayon true")
    assert not awake()
    phone.do("battery", power="usb")
    assert awake()
    assert phone.sh("settings get global stay_on_while_plugged_in") == "15\n"


def test_power_save_and_doze(phone: FarmPhone) -> None:
    phone.sh("cmd power set-mode 1")
    assert phone.sh("settings get global low_power") == "1\n"
    assert phone.sh("dumpsys deviceidle get deep") == "ACTIVE\n"
    assert "Now forced in to deep idle mode" in phone.sh("dumpsys deviceidle force-idle")
    assert phone.sh("dumpsys deviceidle get deep") == "IDLE\n"
    phone.sh("dumpsys deviceidle unforce")
    phone.sh("dumpsys deviceidle disable")
    assert phone.adb("shell", "dumpsys deviceidle force-idle").returncode == 255
    assert phone.sh("dumpsys deviceidle enabled") == "0\n"
    phone.sh("dumpsys deviceidle whitelist +org.example")
    assert "org.example" in phone.sh("dumpsys deviceidle whitelist")


def test_airplane_mode_and_wifi(phone: FarmPhone) -> None:
    assert "inet addr:192.0.2.15" in phone.sh("ifconfig wlan0")
    phone.sh("cmd connectivity airplane-mode enable")
    assert phone.sh("cmd connectivity airplane-mode") == "enabled\n"
    assert phone.sh("settings get global airplane_mode_on") == "1\n"
    assert "inet" not in phone.sh("ifconfig wlan0")
    assert phone.sh("ip route") == ""
    phone.sh("cmd connectivity airplane-mode disable; svc wifi disable")
    assert "Wi-Fi is disabled" in phone.sh("dumpsys wifi")


def test_zram_packs_an_app_in_the_background(phone: FarmPhone) -> None:
    def swap_free() -> int:
        text = phone.sh(f"cat '{phone.proc_dir}/meminfo'")
        return int(re.search(r"SwapFree:\s+(\d+)", text)[1])  # type: ignore[index]

    before, idle = swap_free(), phone.available_kb()
    phone.sh("am start -n com.android.browser/.BrowserActivity")
    in_use = phone.available_kb()
    assert idle - in_use == pytest.approx(260 * 1024, abs=15_000)
    phone.sh("am start -n com.android.settings/.Settings")
    packed = int(260 * 1024 * 0.6)
    eventually(lambda: before - swap_free() == packed)
    left = idle - 90 * 1024 - phone.available_kb()
    assert left == pytest.approx(260 * 1024 - packed * 2 // 3, abs=15_000)
    assert f"{packed:,}K in swap" in phone.sh("dumpsys meminfo")
    phone.sh("am startservice -n org.mobileasr.trainer/.BallastService1 --ei mb 300")
    held = phone.available_kb()
    assert before - swap_free() == packed  # ballast doesn't pack
    assert phone.available_kb() == pytest.approx(held, abs=8_000)
    phone.sh("am force-stop org.mobileasr.trainer")
    phone.sh("am force-stop com.android.browser")
    eventually(lambda: swap_free() == before)


def test_free_uptime_and_mount(phone: FarmPhone) -> None:
    lines = phone.sh("free -k").splitlines()
    assert lines[1].split()[0] == "Mem:"
    assert int(lines[1].split()[1]) == int(6144 * 0.955) * 1024
    assert re.match(r" \d\d:\d\d:\d\d up .*load average: ", phone.sh("uptime"))
    assert " /data type f2fs " in phone.sh("mount")
    assert phone.adb("shell", "mount -o remount,rw /").returncode == 1
