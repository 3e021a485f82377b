"""What clients of others ask a phone besides, and read in its answer."""

import re
import struct
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.virtual.root import IsolationProbe
from harness.virtual.root.tools import has_android_shell
from tests.fixtures.data.apk import write_apk
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
    assert "Status" not in stub_phone.sh("am start -n com.android.browser/.BrowserActivity")


def test_what_is_in_front_and_what_was(stub_phone: FarmPhone) -> None:
    stub_phone.sh("am start -n com.android.browser/.BrowserActivity")
    stub_phone.sh(f"am start -S -n {SETTINGS}")
    pid = stub_phone.sh("pidof com.android.settings").strip()
    top = stub_phone.sh("dumpsys activity top | grep ACTIVITY | tail -n 1")
    assert re.fullmatch(rf"  ACTIVITY {SETTINGS} \w+ pid={pid} userId=0\n", top)
    stub_phone.sh("input keyevent KEYCODE_HOME")
    focus = stub_phone.sh("dumpsys window displays | grep mCurrentFocus")
    assert "com.android.launcher3/com.android.launcher3.Launcher}" in focus
    assert "cur=900" in stub_phone.sh("dumpsys activity processes com.android.settings")
    recents = stub_phone.sh("dumpsys activity recents")
    assert recents.index("com.android.settings") < recents.index("com.android.browser")
    stub_phone.sh(f"am start -n {SETTINGS}; am crash com.android.settings")
    eventually(lambda: "launcher3" in stub_phone.sh("dumpsys window | grep mCurrentFocus"))
    assert "FATAL EXCEPTION" in stub_phone.sh("logcat -d -b crash")
    stub_phone.sh("am force-stop com.android.browser; am force-stop com.android.launcher3")


def test_home_is_an_installed_launcher(stub_phone: FarmPhone) -> None:
    stub_phone.sh(f"am start -n {SETTINGS}")
    stub_phone.sh("am start -a android.intent.action.MAIN -c android.intent.category.HOME")
    assert "package:com.android.launcher3\n" in stub_phone.sh("pm list packages -s")
    assert "com.android.launcher3" in stub_phone.sh("dumpsys activity activities")


def test_processes_have_their_names_in_proc(stub_phone: FarmPhone) -> None:
    stub_phone.sh(f"am start -n {SETTINGS}")
    for name in ("com.android.settings", "system_server"):
        pid = stub_phone.sh(f"pidof {name}").strip()
        assert f" {pid} " in stub_phone.sh(f"ps -A -o USER,PID,NAME | grep {name}")
        if name != "system_server" or stub_phone.sh("getprop ro.vlab.isolation") == "userns\n":
            command = stub_phone.sh(f"cat /proc/{pid}/cmdline").rstrip("\0")
            assert command.endswith(name)
            assert stub_phone.sh(f"cat /proc/{pid}/stat").startswith(f"{pid} (")
    assert stub_phone.sh("pgrep -f '([[:space:]]|^|/)com.android.settings$'").strip()
    stub_phone.sh("am force-stop com.android.settings")


def test_fields_and_help_of_ps(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("ps --help").startswith("usage: ps [-")
    lines = stub_phone.sh("ps -A -o pcpu,pid,user,name -k -pid").splitlines()
    assert lines[0].split() == ["%CPU", "PID", "USER", "NAME"]
    rows = [line.split() for line in lines[1:]]
    assert all(float(row[0]) >= 0 for row in rows)
    pids = [int(row[1]) for row in rows]
    assert pids == sorted(pids, reverse=True)
    assert "root" not in stub_phone.sh("ps -u shell -o user=")
    assert "not_a_field" in stub_phone.adb("shell", "ps -o not_a_field").stderr.decode()


def test_top_has_a_head_and_as_many_pictures_as_asked(stub_phone: FarmPhone) -> None:
    text = stub_phone.sh("top -b -n 2 -d 0.2 -m 3")
    assert len(re.findall(r"^Tasks: \d+ total, +\d+ running, +\d+ sleeping", text, re.M)) == 2
    assert re.search(r"^ +Mem: +\d+K total, +\d+K used, +\d+K free", text, re.M)
    assert re.search(r"^800%cpu +\d+%user +0%nice +\d+%sys +\d+%idle", text, re.M)
    assert "S[%CPU] %MEM     TIME+ ARGS" in text
    assert "Tasks" not in stub_phone.sh("top -b -q -n 1 -o PID,ARGS")
    forever = stub_phone.popen("shell", "top -b -d 0.2 -m 1")
    assert forever.stdout is not None
    heads = 0
    while heads < 3:
        heads += forever.stdout.readline().startswith(b"Tasks:")
    forever.kill()
    forever.wait()


def test_adb_fetches_a_bug_report(stub_phone: FarmPhone, tmp_path: Path) -> None:
    result = stub_phone.adb("bugreport", str(tmp_path / "report.zip"))
    assert result.returncode == 0, result
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        entry = archive.read("main_entry.txt").decode()
        assert "DUMP OF SERVICE battery" in archive.read(entry).decode()


def test_a_picture_is_as_big_as_the_screen(stub_phone: FarmPhone) -> None:
    width, height = map(int, stub_phone.sh("wm size").split()[-1].split("x"))
    png = stub_phone.adb("exec-out", "screencap -p").stdout
    assert struct.unpack(">II", png[16:24]) == (width, height)
    raw = stub_phone.adb("exec-out", "screencap").stdout
    # RGBA_8888, sRGB: adbutils takes a frame buffer of another colour space for 40 GB
    assert struct.unpack("<IIII", raw[:16]) == (width, height, 1, 1)
    assert len(raw) - 16 == width * height * 4
    head = stub_phone.adb("shell", "screencap | head -c 4")
    assert (head.returncode, len(head.stdout), head.stderr) == (0, 4, b"")


def test_the_icon_of_an_installed_app_starts_it(stub_phone: FarmPhone, tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "a.apk", "org.example.icon", activities=(".Main", ".Other"))
    assert stub_phone.adb("install", str(apk)).returncode == 0
    resolved = stub_phone.sh("cmd package resolve-activity --brief org.example.icon")
    assert resolved.splitlines()[-1] == "org.example.icon/.Main"
    assert "Events injected: 1" in stub_phone.sh("monkey -p org.example.icon 1")
    assert stub_phone.sh("am start -n org.example.icon/.Other").startswith("Starting: Intent")
    assert stub_phone.adb("shell", "am start -n org.example.icon/.Absent").returncode == 1
    assert "org.example.icon" in stub_phone.sh("dumpsys activity recents")
    stub_phone.sh("pm uninstall org.example.icon")
    assert "org.example.icon" not in stub_phone.sh("dumpsys activity recents")


def test_properties_have_types(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("getprop -T ro.build.version.sdk") == "int\n"
    assert stub_phone.sh("getprop -T ro.product.model") == "string\n"
    assert "[ro.debuggable]: [bool]\n" in stub_phone.sh("getprop -T")
    assert stub_phone.sh("getprop -Z ro.serialno") == "u:object_r:serialno_prop:s0\n"
    # the shell may not set it on a phone either
    assert stub_phone.adb("shell", "setprop persist.sys.timezone Asia/Tokyo").returncode == 1


def test_toybox_and_commands_under_their_own_names(stub_phone: FarmPhone) -> None:
    assert "ls\n" in stub_phone.sh("toybox")
    assert stub_phone.sh("toybox id -u") == "2000\n"
    assert stub_phone.adb("shell", "toybox nonsense").returncode == 127
    stub_phone.sh("appops set org.mobileasr.trainer WAKE_LOCK ignore")
    assert stub_phone.sh("cmd appops get org.mobileasr.trainer WAKE_LOCK") == "WAKE_LOCK: ignore\n"
    stub_phone.sh("appops set org.mobileasr.trainer WAKE_LOCK default")


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
    phone.sh(f"log before the reboot; am start -n {SETTINGS}")
    phone.do("reboot", seconds=0.5)
    eventually(lambda: phone.adb("shell", "true").returncode == 0, timeout_s=30)
    eventually(lambda: "before the reboot" in phone.sh("logcat -L"), timeout_s=30)
    assert "before the reboot" not in phone.sh("logcat -d")
    assert "launcher3" in phone.sh("dumpsys window displays | grep mCurrentFocus")
    assert "settings" not in phone.sh("dumpsys activity recents")
    assert phone.sh("pidof system_server") == "1021\n"


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
    text = stub_phone.sh("cat $ANDROID_DATA/local/tmp/window.xml")
    node = ElementTree.fromstring(text).find("node")
    assert node is not None
    assert node.get("bounds") == "[0,0][1080,2400]"
    assert stub_phone.sh("uiautomator dump /dev/tty").startswith("<?xml")


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
    assert "thermal_zone0" in phone.sh("ls /sys/class/thermal").split()
    assert "POWER_SUPPLY_CAPACITY=" in phone.sh("cat /sys/class/power_supply/battery/uevent")
    assert phone.adb("shell", f"echo 1 > {cpu}/cpu0/online").returncode != 0
