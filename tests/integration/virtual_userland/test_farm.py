"""A farm as a process: what it prints, and that nothing of it stays however it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.adb.server import AdbServer
from harness.virtual.farmctl import FarmControl, FarmControlError
from harness.virtual.reaper import marked_processes
from tests.fixtures.farm import FarmStarter, eventually


def test_two_profiles_two_phones_each_with_its_own_identity(
    start_farm: FarmStarter, adb_server: AdbServer
) -> None:
    farm = start_farm({"oneplus-7t": 1, "redmi-note-7-pro": 1})
    first, second = farm.phones
    listed = {device.adb_serial: device.state for device in adb_server.devices()}
    assert listed[first.adb_serial] == listed[second.adb_serial] == "device"
    assert [p.profile for p in farm.phones] == ["oneplus-7t", "redmi-note-7-pro"]
    assert first.sh("getprop ro.product.model").strip() == "HD1905"
    assert second.sh("getprop ro.product.model").strip() == "Redmi Note 7 Pro"
    for phone in farm.phones:
        assert phone.sh("getprop ro.serialno").strip() == phone.serial
        assert phone.sh("getprop ro.vlab.virtual").strip() == "1"
        assert phone.sh("getprop sys.boot_completed").strip() == "1"
    ids = {p.sh("settings get secure android_id").strip() for p in farm.phones}
    assert len(ids) == 2
    # exit records came with Android 11; the OnePlus 7T of the paper has 10
    assert first.sh("dumpsys activity exit-info").startswith("Bad activity command")
    # 4.5 and 2.8 GB idle by the profiles, less what an idle phone's own processes hold
    assert 4500 * 1024 < first.available_kb() <= 4608 * 1024
    assert 2760 * 1024 < second.available_kb() <= 2867 * 1024


@pytest.mark.parametrize("end", ["stdin", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("isolation", ["none", pytest.param("userns", marks=pytest.mark.userns)])
def test_nothing_stays_however_the_farm_ends(
    start_farm: FarmStarter, isolation: str, end: str, isolation_probe: object, tmp_path: Path
) -> None:
    if isolation == "userns" and getattr(isolation_probe, "kind", "") != "userns":
        pytest.skip("no user namespaces here")
    farm = start_farm({"pixel-4": 1}, options=["--isolation", isolation])
    phone = farm.phones[0]
    phone.sh("setsid sleep 1000 < /dev/null > /dev/null 2>&1 &")
    phone.sh("am startservice -n org.mobileasr.trainer/.BallastService1 --ei mb 10")
    memory = Path("/dev/shm") / f"mobileasr-farm-{phone.serial.rpartition('-')[2]}"
    assert len(marked_processes({phone.serial})) >= 2
    assert phone.root.is_dir()
    assert memory.is_dir() or not os.access("/dev/shm", os.W_OK)
    if end == "stdin":
        assert farm.stop() == 0
    elif end == "SIGKILL":
        farm.kill()
    else:
        farm.process.send_signal(getattr(signal, end))
        assert farm.process.wait(30) == 0
    eventually(lambda: not marked_processes({phone.serial}))
    eventually(lambda: not phone.root.parent.exists() and not memory.exists())


def test_the_next_farm_cleans_up_after_one_whose_reaper_died_too(
    start_farm: FarmStarter, tmp_path: Path
) -> None:
    farm = start_farm({"pixel-4": 1}, options=["--isolation", "none"])
    phone = farm.phones[0]
    phone.sh("setsid sleep 1000 < /dev/null > /dev/null 2>&1 &")
    helpers = _children(farm.process.pid)
    farm.process.send_signal(signal.SIGSTOP)  # so that it can't end its helpers' work tidily
    for pid in helpers:
        os.kill(pid, signal.SIGKILL)
    farm.kill()
    assert marked_processes({phone.serial})
    assert phone.root.exists()
    start_farm({"pixel-4": 1})
    assert not marked_processes({phone.serial})
    assert not phone.root.exists()


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_kept_files_are_used_again(start_farm: FarmStarter, tmp_path: Path) -> None:
    root = tmp_path / "kept"
    farm = start_farm({"pixel-4": 1}, options=["--root", str(root), "--keep"])
    serial = farm.phones[0].serial
    farm.phones[0].sh("echo 17 > $ANDROID_DATA/local/tmp/left")
    farm.stop()
    assert (root / serial / "data/local/tmp/left").read_text() == "17\n"
    again = start_farm({"pixel-4": 1}, options=["--root", str(root)])
    assert again.phones[0].serial == serial
    assert again.phones[0].sh("cat $ANDROID_DATA/local/tmp/left") == "17\n"
    again.stop()
    assert not root.exists()


def test_a_folder_in_use_or_with_other_things_is_refused(
    start_farm: FarmStarter, tmp_path: Path, adb_server: AdbServer
) -> None:
    root = tmp_path / "used"
    start_farm({"pixel-4": 1}, options=["--root", str(root)])
    foreign = tmp_path / "other"
    foreign.mkdir()
    (foreign / "thesis.tex").touch()
    for folder, words in ((root, "another farm uses"), (foreign, "not a farm's")):
        result = _run("--profile", "pixel-4", "--no-connect", "--root", str(folder))
        assert result.returncode == 2
        assert words in result.stderr
    assert (foreign / "thesis.tex").exists()


def test_an_unknown_profile_is_bad_input() -> None:
    result = _run("--profile", "nokia-3310=1", "--no-connect")
    assert result.returncode == 2
    assert "nokia-3310" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_its_adb_server_the_farm_says_so(tmp_path: Path) -> None:
    result = _run("--profile", "pixel-4", "--adb-port", "1", "--root", str(tmp_path / "r"))
    assert result.returncode == 1
    assert "adb server 127.0.0.1:1" in result.stderr
    assert not (tmp_path / "r").exists()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.virtual.farm", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_orders_that_cannot_be_carried_out_are_refused(start_farm: FarmStarter) -> None:
    farm = start_farm({"pixel-4": 1})
    serial = farm.phones[0].serial
    assert farm.control.phones() == [serial]
    for order in (
        {"order": "explode"},
        {"order": "lose_cable", "seconds": -1},
        {"order": "lose_cable", "seconds": "long"},
        {"order": "kill", "process": "org.example.absent"},
        {"order": "battery", "power": "steam"},
    ):
        with pytest.raises(FarmControlError):
            farm.control.do(**order, phone=serial)
    with pytest.raises(FarmControlError, match="no phone"):
        farm.control.do("state", "VLAB-nobody")
    farm.stop()
    with pytest.raises(FarmControlError, match="no farm"):
        FarmControl(farm.control_path).phones()


def test_plain_lines_for_people(start_farm: FarmStarter, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.virtual.farm", "--profile", "pixel-4=2", "--no-connect",
         "--until-stdin-closes", "--root", str(tmp_path / "plain")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    output, _ = process.communicate("", timeout=60)
    lines = output.splitlines()
    assert process.returncode == 0
    assert len(lines) == 3
    assert lines[0].startswith("VLAB-pixel-4-1-")
    assert lines[0].endswith("pixel-4")
    assert lines[2] == "ready"
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[0])
