"""What can be made wrong with a phone, as the host's adb side meets it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.adb.errors import DeviceLost
from harness.virtual.root.processes import children
from tests.fixtures.farm import FarmPhone, eventually


@pytest.fixture
def phone(stub_phone: FarmPhone) -> Iterator[FarmPhone]:
    """A phone, made well again after each test."""
    stub_phone.sh("am force-stop org.mobileasr.trainer")
    yield stub_phone
    stub_phone.do("clear")
    stub_phone.phone.wait_online(30)
    stub_phone.adb("shell", "pkill -9 sh")  # its own shell too
    stub_phone.sh("rm -f $ANDROID_DATA/local/tmp/ticks")


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
def test_a_lost_cable_breaks_commands_and_leaves_what_runs(phone: FarmPhone) -> None:
    phone.sh(
        "setsid sh -c 'while :; do echo tick >> $ANDROID_DATA/local/tmp/ticks; sleep 0.1; done'"
        " < /dev/null > /dev/null 2>&1 &"
    )
    eventually((phone.root / "data/local/tmp/ticks").exists)
    phone.do("lose_cable", seconds=1)
    began = time.monotonic()
    with pytest.raises(DeviceLost):
        phone.phone.shell("echo here", timeout_s=5)
    before = len((phone.root / "data/local/tmp/ticks").read_bytes())
    phone.phone.wait_online(30)
    assert time.monotonic() - began > 0.8
    assert phone.sh("echo here") == "here\n"
    assert len((phone.root / "data/local/tmp/ticks").read_bytes()) > before


def test_a_reboot_ends_everything_and_keeps_files(phone: FarmPhone) -> None:
    phone.sh("am startservice -n org.mobileasr.trainer/.BallastService1 --ei mb 500")
    phone.sh("setsid sleep 1000 < /dev/null > /dev/null 2>&1 &")
    phone.sh("echo kept > $ANDROID_DATA/local/tmp/file; settings put global a 1")
    loaded = phone.available_kb()
    boots, began = phone.state()["boots"], _boot_s(phone)
    phone.do("reboot", seconds=0.5)
    phone.phone.wait_online(30)
    assert phone.sh("getprop sys.boot_completed") == "1\n"
    own_clock = "uptime" not in phone.sh("getprop ro.vlab.host_wide")
    if own_clock:
        assert _boot_s(phone) > began + 0.3
        boot_time = int(phone.sh(f"grep btime {phone.proc_dir}/stat").split()[1])
        since = time.clock_gettime(time.CLOCK_BOOTTIME) - _boot_s(phone)
        assert boot_time == pytest.approx(time.time() - since, abs=2.5)
    else:
        assert _boot_s(phone) == pytest.approx(began, abs=5)
    assert phone.sh("cat $ANDROID_DATA/local/tmp/file; settings get global a") == "kept\n1\n"
    assert "sleep" not in phone.sh("ps -A -o NAME").split()
    assert phone.available_kb() - loaded > 490 * 1024
    assert phone.state()["boots"] == boots + 1


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
@pytest.mark.parametrize("way", [("reboot",), ("shell", "reboot")])
def test_adb_reboot_is_a_reboot(phone: FarmPhone, way: tuple[str, ...]) -> None:
    boots = phone.state()["boots"]
    end = phone.adb(*way)
    # the service answers at once; the command does not end before the link does
    assert (end.returncode != 0) == (way[0] == "shell")
    eventually(lambda: phone.state()["boots"] == boots + 1, timeout_s=20)
    phone.phone.wait_online(30)
    # adbd is there before Android is
    eventually(lambda: phone.sh("getprop sys.boot_completed") == "1\n")
    assert phone.sh("am get-current-user") == "0\n"


def _boot_s(phone: FarmPhone) -> float:
    """When the phone booted, on the host's clock since its own boot."""
    uptime = float(phone.sh(f"cat '{phone.proc_dir}/uptime'").split()[0])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - uptime


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
def test_android_is_up_later_than_adbd(phone: FarmPhone) -> None:
    boots = phone.state()["boots"]
    phone.do("fault", fault="reboot", seconds=10)
    eventually(lambda: phone.state()["boots"] == boots + 1, timeout_s=20)
    phone.phone.wait_online(30)
    assert phone.sh("getprop sys.boot_completed") == "0\n"
    early = phone.adb("shell", "am get-current-user")
    assert (early.returncode, early.stderr) == (20, b"cmd: Can't find service: activity\n")
    eventually(lambda: phone.sh("getprop sys.boot_completed") == "1\n")
    assert phone.sh("am get-current-user") == "0\n"


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
def test_adbd_comes_back_on_its_port(phone: FarmPhone) -> None:
    phone.do("kill_adbd", seconds=0.5)
    phone.phone.wait_online(30)
    assert phone.sh("echo back") == "back\n"


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
def test_a_full_disk_refuses_pushes_and_shows_in_df(phone: FarmPhone) -> None:
    folder = phone.sh("echo $ANDROID_DATA/local/tmp").strip()
    phone.do("disk_full", bytes=100_000)
    free = int(phone.sh("df /data").splitlines()[1].split()[3])
    assert free == 100_000 // 1024
    with pytest.raises(Exception, match=r"(?i)no space left"):
        phone.phone.write_bytes(f"{folder}/big", bytes(500_000))
    phone.do("clear")
    phone.phone.write_bytes(f"{folder}/big", bytes(500_000))


@pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair
def test_slow_answers(phone: FarmPhone) -> None:
    phone.do("slow_commands", seconds=0.7)
    began = time.monotonic()
    phone.sh("getprop ro.serialno; dumpsys battery")
    quick = time.monotonic() - began
    began = time.monotonic()
    phone.sh("wm size")
    assert time.monotonic() - began > 0.7 > quick
    phone.do("slow_commands", seconds=0)
    phone.do("slow_shell", seconds=0.7)
    began = time.monotonic()
    phone.sh("true")
    assert time.monotonic() - began > 0.7


def test_a_phone_that_hangs_answers_again_later(phone: FarmPhone) -> None:
    phone.sh(
        "setsid sh -c 'while :; do echo tick >> $ANDROID_DATA/local/tmp/ticks; sleep 0.05; done'"
        " < /dev/null > /dev/null 2>&1 &"
    )
    eventually((phone.root / "data/local/tmp/ticks").exists)
    phone.do("hang")
    time.sleep(0.2)
    size = (phone.root / "data/local/tmp/ticks").stat().st_size
    time.sleep(0.4)
    assert (phone.root / "data/local/tmp/ticks").stat().st_size == size
    phone.do("clear")
    eventually(lambda: (phone.root / "data/local/tmp/ticks").stat().st_size > size)
    assert phone.sh("echo awake") == "awake\n"


def test_a_command_that_stood_still_with_its_phone_ends_and_is_reaped(phone: FarmPhone) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(phone.phone.shell, "echo begun; sleep 1; echo ended", 60)
        eventually(lambda: "sleep" in phone.sh("ps -A -o NAME").split())
        phone.do("hang", seconds=1.5)
        assert slow.result(60).stdout == "begun\nended\n"
    assert phone.sh("echo here") == "here\n"
    farm = phone.farm_pid
    eventually(lambda: "T" not in {state_of(pid) for pid in children(farm)})


def state_of(pid: int) -> str:
    """Return how the host's kernel calls a process's state; T is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"
