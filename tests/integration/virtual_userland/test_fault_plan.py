"""Faults by plan and by order: the document's own example on a phone, and each of the new ones."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.virtual.farmctl import main as farmctl
from tests.fixtures.data.apk import write_apk
from tests.fixtures.farm import FarmPhone, FarmStarter, eventually

_DOCS = Path(__file__).parents[3] / "docs/virtual_phones.md"
_TRAINER = "org.mobileasr.trainer"
_EPOCHS = """
import json, sys, time
job = json.load(open(sys.argv[sys.argv.index("--job") + 1]))
with open(job["outputs"]["events"], "a") as log:
    for epoch in range(60):
        log.write('{"type":"epoch","epoch":%d}\\n' % epoch)
        log.flush()
        time.sleep(3)
"""


def test_the_documents_example_happens_as_it_says(start_farm: FarmStarter, tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    assert example
    (tmp_path / "faults.yaml").write_text(example[1])
    (tmp_path / "trainer.py").write_text(_EPOCHS)
    farm = start_farm(
        {"pixel-4": 1},
        options=["--isolation", "none", "--faults", str(tmp_path / "faults.yaml")],
        env={"MOBILEASR_TRAINER_COMMAND": f"{sys.executable} {tmp_path}/trainer.py"},
    )
    phone = farm.phones[0]

    def battery() -> str:
        return phone.sh("dumpsys battery", timeout_s=20)

    # the first shell makes one service hang a moment later; what asks then is answered at last
    phone.sh("true")
    time.sleep(0.3)
    began = time.monotonic()
    assert "level: 21" in battery()
    assert time.monotonic() - began > 0.4
    assert "temperature: 4" in battery()
    phone.adb("reconnect")
    phone.phone.wait_online(20)
    big = tmp_path / "big"
    big.write_bytes(bytes(range(256)) * 8000)

    def pushed() -> bool:
        return phone.adb("push", "-Z", str(big), "/data/local/tmp/big").returncode == 0

    eventually(lambda: not pushed())
    phone.phone.wait_online(20)
    assert pushed()
    outputs = {"events": f"{phone.work_dir}/events.jsonl", "stop_file": f"{phone.work_dir}/stop"}
    phone.phone.make_folder(phone.work_dir)
    phone.phone.write_text(f"{phone.work_dir}/job.json", json.dumps({"outputs": outputs}))
    phone.sh(f"am startservice -n {_TRAINER}/.TrainService --es job '{phone.work_dir}/job.json'")
    eventually(lambda: phone.adb("shell", "true").returncode != 0)  # disconnected
    eventually(lambda: phone.state()["boots"] == 2, timeout_s=30)  # killed at epoch 1, rebooted
    events = (phone.root / "data/local/tmp/mobileasr/events.jsonl").read_text()
    assert '"epoch":1' in events
    assert '"epoch":3' not in events


def test_a_plan_for_no_phone_is_refused(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("faults:\n  - {fault: offline, phone: 'nokia-*'}\n")
    result = subprocess.run(
        [sys.executable, "-m", "harness.virtual.farm", "--profile", "pixel-4", "--no-connect",
         "--isolation", "none", "--faults", str(plan), "--root", str(tmp_path / "r")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert "no phone 'nokia-*'; there are VLAB-pixel-4-1-" in result.stderr
    assert not (tmp_path / "r").exists()


@pytest.fixture
def phone(stub_phone: FarmPhone) -> Iterator[FarmPhone]:
    """A phone, made well again after each test."""
    yield stub_phone
    stub_phone.do("clear")
    stub_phone.phone.wait_online(30)


_ONE = pytest.mark.parametrize("stub_phone", ["none"], indirect=True)  # not the root's affair


@_ONE
def test_one_service_hangs_and_the_others_answer(phone: FarmPhone) -> None:
    for service in ("battery", "thermalservice"):
        phone.do("fault", fault="hang_service", service=service)
        eventually(lambda service=service: phone.adb(
            "shell", f"timeout 0.5 dumpsys {service}").returncode == 124)  # fmt: skip
        assert "mWakefulness" in phone.sh("dumpsys power")
        phone.do("clear")
        assert phone.sh(f"dumpsys {service}")
    phone.do("hang_service", service="battery")
    assert phone.adb("shell", "timeout 0.5 dumpsys battery --proto").returncode == 124
    phone.do("hang_service", service="battery", on=False)
    phone.do("hang_service", service="battery")
    waiting = phone.popen("shell", "dumpsys battery")
    asking = phone.popen("shell", "dumpsys battery")
    time.sleep(0.5)
    phone.do("hang_service", service="battery", on=False)
    for client in (waiting, asking):
        assert b"level: " in client.communicate(timeout=20)[0]


@_ONE
def test_output_garbled_or_cut(phone: FarmPhone) -> None:
    whole = phone.adb("shell", "dumpsys battery").stdout
    phone.do("garble_output", share=0.05)
    garbled = phone.adb("shell", "dumpsys battery").stdout
    wrong = sum(a != b for a, b in zip(whole, garbled, strict=True))
    assert 0 < wrong < len(whole) * 0.15
    phone.do("garble_output", off=True)
    phone.do("truncate_output", bytes=20)
    assert phone.adb("shell", "dumpsys battery").stdout == whole[:20]
    phone.do("truncate_output", off=True)
    assert phone.adb("shell", "dumpsys battery").stdout == whole


@_ONE
def test_a_clock_that_jumps_takes_the_log_with_it(phone: FarmPhone) -> None:
    def seconds() -> int:
        return int(phone.sh("date +%s"))

    uptime = float(phone.sh(f"cat '{phone.proc_dir}/uptime'").split()[0])
    phone.do("fault", fault="clock_jump", seconds=-86400)
    eventually(lambda: seconds() < time.time() - 80000)
    phone.sh("log -t Jump back")
    line = phone.sh("logcat -d -v epoch -s Jump").splitlines()[-1]
    assert float(line.split()[0]) == pytest.approx(time.time() - 86400, abs=30)
    assert float(phone.sh(f"cat '{phone.proc_dir}/uptime'").split()[0]) >= uptime
    phone.do("clear")
    assert seconds() == pytest.approx(time.time(), abs=30)


@_ONE
def test_faults_that_are_taken_back_by_time(phone: FarmPhone, tmp_path: Path) -> None:
    phone.do("fault", fault="storage_full", for_s=0.5)
    apk = write_apk(tmp_path / "x.apk", "org.example.full")
    eventually(lambda: b"INSUFFICIENT" in phone.adb("install", str(apk)).stderr
               or phone.adb("install", str(apk)).returncode != 0)  # fmt: skip
    eventually(lambda: phone.adb("install", str(apk)).returncode == 0)
    phone.sh("pm uninstall org.example.full")
    phone.do("fault", fault="airplane_mode", for_s=0.5)
    eventually(lambda: phone.sh("settings get global airplane_mode_on") == "1\n")
    eventually(lambda: phone.sh("settings get global airplane_mode_on") == "0\n")
    phone.do("fault", fault="offline", for_s=1)
    eventually(lambda: phone.adb("shell", "true", timeout_s=30).returncode != 0)
    phone.phone.wait_online(30)


def test_orders_from_the_command_line(
    start_farm: FarmStarter, capsys: pytest.CaptureFixture[str]
) -> None:
    farm = start_farm({"pixel-4": 1}, options=["--isolation", "none"])
    serial = farm.phones[0].serial
    assert farmctl([farm.control_path, "phones"]) == 0
    assert json.loads(capsys.readouterr().out) == [serial]
    assert farmctl([farm.control_path, serial, "fault", "fault=battery", "percent=33"]) == 0
    eventually(lambda: "level: 33" in farm.phones[0].sh("dumpsys battery"))
    assert farmctl([farm.control_path, serial, "fault", "fault=battery", "percent=cold"]) == 2
    assert "percent" in capsys.readouterr().err
    assert farmctl([]) == 2
