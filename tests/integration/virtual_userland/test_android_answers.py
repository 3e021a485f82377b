"""What clients of others ask a phone besides, and read in its answer."""

import re

import pytest

from harness.virtual.root import IsolationProbe
from harness.virtual.root.tools import has_android_shell
from tests.fixtures.farm import FarmPhone, FarmStarter, eventually

SETTINGS = "com.android.settings/.Settings"


def test_am_start_says_how_long_it_took(stub_phone: FarmPhone) -> None:
    stub_phone.sh("am force-stop com.android.settings")
    cold = stub_phone.sh(f"am start -W -n {SETTINGS}")
    assert "Status: ok\nLaunchState: COLD\nActivity: com.android.settings/" in cold
    match = re.search(r"^TotalTime: (\d+)\nWaitTime: (\d+)\nComplete$", cold, re.MULTILINE)
    assert match is not None, cold
    assert 0 < int(match[1]) <= int(match[2])
    again = stub_phone.adb("shell", f"am start -W -n {SETTINGS}")
    assert b"LaunchState: HOT" in again.stdout
    assert b"Activity not started" in again.stdout + again.stderr
    assert "Status" not in stub_phone.sh("am start -n com.android.browser/.Main")


def test_home_is_an_installed_launcher(stub_phone: FarmPhone) -> None:
    stub_phone.sh(f"am start -n {SETTINGS}")
    stub_phone.sh("am start -a android.intent.action.MAIN -c android.intent.category.HOME")
    assert "package:com.android.launcher3\n" in stub_phone.sh("pm list packages -s")
    assert "com.android.launcher3" in stub_phone.sh("dumpsys activity activities")


def test_logcat_divides_its_buffers(stub_phone: FarmPhone) -> None:
    stub_phone.sh("logcat -c; log one")
    stub_phone.sh("am force-stop com.android.browser; am start com.android.browser; log two")
    text = stub_phone.sh("logcat -d -D -b main,system,events")
    assert "--------- beginning of main" in text
    assert "--------- switch to main" in text
    assert "switch to" not in stub_phone.sh("logcat -d -b main,system,events")


def test_the_log_before_the_reboot_is_kept(start_farm: FarmStarter) -> None:
    (phone,) = start_farm({"pixel-4": 1}).phones
    assert phone.sh("logcat -L") == ""
    phone.sh("log before the reboot")
    phone.do("reboot", seconds=0.5)
    eventually(lambda: phone.adb("shell", "true").returncode == 0, timeout_s=30)
    eventually(lambda: "before the reboot" in phone.sh("logcat -L"), timeout_s=30)
    assert "before the reboot" not in phone.sh("logcat -d")


def test_cmd_waits_for_a_service(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("cmd -w settings put global waited 7; cmd settings get global waited") == (
        "7\n"
    )


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(
            "android",
            marks=pytest.mark.skipif(
                not has_android_shell(), reason="mksh and toybox are not both installed"
            ),
        ),
        "host",
    ],
)
def test_clock_and_log_are_in_the_phones_zone(start_farm: FarmStarter, shell: str) -> None:
    (phone,) = start_farm(
        {"pixel-4": 1}, options=["--shell", shell], env={"TZ": "Asia/Tokyo"}
    ).phones
    assert phone.sh("getprop ro.vlab.shell") == f"{shell}\n"
    assert phone.sh("getprop persist.sys.timezone") == "Asia/Tokyo\n"
    assert phone.sh("date +%z") == "+0900\n"
    before = phone.sh("date '+%m-%d %H'").strip()
    phone.sh("log now")
    (line,) = (line for line in phone.sh("logcat -d").splitlines() if line.endswith(": now"))
    assert line[:8] in (before, phone.sh("date '+%m-%d %H'").strip())


def test_a_user_build_is_not_remounted(stub_phone: FarmPhone) -> None:
    remount = stub_phone.adb("remount")
    assert b"remount" in remount.stdout + remount.stderr
    assert b"closed" not in remount.stdout + remount.stderr
    verity = stub_phone.adb("disable-verity")
    assert b"only works for userdebug builds" in verity.stdout + verity.stderr


def test_a_window_dump_closes_its_tag(stub_phone: FarmPhone) -> None:
    stub_phone.sh("uiautomator dump /data/local/tmp/window.xml")
    assert stub_phone.sh("cat $ANDROID_DATA/local/tmp/window.xml").endswith("</hierarchy>")


@pytest.mark.userns
def test_frequencies_temperatures_and_battery_are_in_sys(
    start_farm: FarmStarter, isolation_probe: IsolationProbe
) -> None:
    if isolation_probe.kind != "userns":
        pytest.skip(f"no user namespaces here: {isolation_probe.reason}")
    (phone,) = start_farm({"pixel-4": 1}, options=["--isolation", "userns"]).phones
    cpu = "/sys/devices/system/cpu"
    cores = phone.sh(f"cat {cpu}/possible").strip()
    assert re.fullmatch(r"0-\d+", cores)
    assert int(phone.sh(f"cat {cpu}/cpu0/cpufreq/scaling_cur_freq")) >= 300_000
    assert phone.sh("cat /sys/class/power_supply/battery/capacity").strip() == str(
        phone.state()["battery_percent"]
    )
    assert phone.sh("ls /sys/class/thermal").split()[0] == "thermal_zone0"
    assert phone.adb("shell", f"echo 1 > {cpu}/cpu0/online").returncode != 0
