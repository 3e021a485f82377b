"""``am`` and the trainer's services: real processes, declared ballast, lmkd and its evidence."""

import json
import re
from typing import Any

import pytest

from harness.readings.exit_info import parse_exit_info
from harness.readings.lmk import parse_lmk
from harness.readings.meminfo_package import parse_meminfo_package
from tests.fixtures.farm import FarmPhone, eventually

_PACKAGE = "org.mobileasr.trainer"
_SERVICE = f"-n {_PACKAGE}/.TrainService"


def _job(phone: FarmPhone, name: str, **stub: Any) -> tuple[str, str]:
    """Write a job for the stub; return the paths of the job and of its events."""
    folder = f"{phone.work_dir}/attempts/{name}"
    phone.phone.make_folder(folder)
    outputs = {"events": f"{folder}/events.jsonl", "stop_file": f"{folder}/stop"}
    phone.phone.write_text(f"{folder}/job.json", json.dumps({"stub": stub, "outputs": outputs}))
    return f"{folder}/job.json", outputs["events"]


def _start(phone: FarmPhone, job: str) -> None:
    output = phone.sh(f"am start-foreground-service {_SERVICE} --es job '{job}'")
    assert output == f"Starting service: Intent {{ cmp={_PACKAGE}/.TrainService (has extras) }}\n"


def _pid(phone: FarmPhone, name: str = _PACKAGE) -> int | None:
    text = phone.adb("shell", f"pidof {name}").stdout.decode().strip()
    return int(text) if text else None


def _gone(phone: FarmPhone, name: str = _PACKAGE) -> None:
    eventually(lambda: _pid(phone, name) is None)


def _ballast(phone: FarmPhone, number: int, mb: int) -> None:
    phone.sh(f"am startservice -n {_PACKAGE}/.BallastService{number} --ei mb {mb}")


@pytest.fixture(autouse=True)
def _clean(stub_phone: FarmPhone) -> None:
    others = ("com.android.browser", "com.android.launcher3", "com.android.settings")
    for name in (_PACKAGE, *others):
        stub_phone.sh(f"am force-stop {name}")
    for name in (_PACKAGE, *(f"{_PACKAGE}:ballast{n}" for n in (1, 2, 3)), *others):
        _gone(stub_phone, name)
    stub_phone.sh("logcat -b all -c")


def test_the_trainer_is_a_real_process_with_the_phones_environment(stub_phone: FarmPhone) -> None:
    job, events = _job(stub_phone, "real")
    _start(stub_phone, job)
    event = json.loads(eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout))
    assert event["pid"] == _pid(stub_phone)
    assert event["path"].endswith("/system/bin")
    assert event["available_kb"] == pytest.approx(stub_phone.available_kb(), abs=40_000)
    assert f"{event['pid']} " in stub_phone.sh(f"ps -A -o PID,NAME | grep {_PACKAGE}") + " "
    text = stub_phone.sh(f"dumpsys meminfo -s {_PACKAGE}")
    (process,) = parse_meminfo_package(text).processes
    assert (process.name, process.pid) == (_PACKAGE, event["pid"])
    assert 3_000 < (process.total_pss_kb or 0) < 60_000
    stat = stub_phone.sh(f"cat /proc/{event['pid']}/stat")
    assert stat.startswith(f"{event['pid']} (")


def test_stop_makes_the_stop_file_and_the_trainer_ends_itself(stub_phone: FarmPhone) -> None:
    job, events = _job(stub_phone, "stopped", exit=0)
    _start(stub_phone, job)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    stub_phone.sh(f"am startservice {_SERVICE} --es command stop --es job '{job}'")
    _gone(stub_phone)
    log = stub_phone.sh("logcat -d -v brief -s MobileASR")
    assert "stub trainer begins" in log
    assert "stub trainer ends" in log


def test_only_one_trainer_at_a_time(stub_phone: FarmPhone) -> None:
    first, events = _job(stub_phone, "first")
    second, refused = _job(stub_phone, "second")
    _start(stub_phone, first)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    pid = _pid(stub_phone)
    _start(stub_phone, second)
    assert "busy with another job" in stub_phone.sh("logcat -d -s MobileASR")
    assert _pid(stub_phone) == pid
    assert stub_phone.adb("shell", f"ls '{refused}'").returncode != 0


def test_force_stop_kills_trainer_and_ballast_and_says_so(stub_phone: FarmPhone) -> None:
    job, events = _job(stub_phone, "forced")
    _start(stub_phone, job)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    _ballast(stub_phone, 3, 40)
    pids = [_pid(stub_phone), _pid(stub_phone, f"{_PACKAGE}:ballast3")]
    assert None not in pids
    stub_phone.sh(f"am force-stop {_PACKAGE}")
    _gone(stub_phone)
    _gone(stub_phone, f"{_PACKAGE}:ballast3")
    kills = parse_lmk(stub_phone.sh("logcat -d -b events")).kills
    assert {k.pid for k in kills if k.source == "am_kill"} == set(pids)
    assert {k.pid for k in kills if k.source == "am_proc_died"} == set(pids)
    assert not [k for k in kills if k.source == "lmkd"]


def test_how_a_trainer_ended_is_in_the_exit_record(stub_phone: FarmPhone) -> None:
    phone = stub_phone
    job, _ = _job(phone, "bad", seconds=0, exit=3)
    _start(phone, job)
    _gone(phone)
    job, events = _job(phone, "signalled")
    _start(phone, job)
    eventually(lambda: phone.adb("shell", f"cat '{events}'").stdout)
    phone.sh(f"am force-stop {_PACKAGE}")
    _gone(phone)

    def records() -> Any:
        exits = parse_exit_info(phone.sh(f"dumpsys activity exit-info {_PACKAGE}")).records
        return exits if len(exits) >= 2 else None

    newest, older = eventually(records)[:2]
    assert (newest.reason, newest.reason_name) == (10, "USER REQUESTED")
    assert (older.reason, older.status) == (1, 3)


def test_a_service_that_is_not_there(stub_phone: FarmPhone) -> None:
    for component in (f"{_PACKAGE}/.NoService", f"{_PACKAGE}/.BallastService9", "org.absent/.S"):
        result = stub_phone.adb("shell", f"am startservice -n {component} --ei mb 5")
        assert result.returncode == 255
        assert b"Error: Not found; no service started." in result.stdout
    result = stub_phone.adb("shell", f"am startservice -n {_PACKAGE}/.BallastService1 --ei mb ten")
    assert result.returncode == 255


def test_a_wrong_job_is_in_the_log(stub_phone: FarmPhone) -> None:
    stub_phone.sh(f"am start-foreground-service {_SERVICE}")
    assert "no job given" in stub_phone.sh("logcat -d -s MobileASR")
    _start(stub_phone, "/no/such/job.json")
    eventually(lambda: "FileNotFoundError" in stub_phone.sh("logcat -d -s MobileASR"))
    _gone(stub_phone)


def test_ballast_lowers_available_ram_by_what_it_declares_at_once(stub_phone: FarmPhone) -> None:
    idle = stub_phone.available_kb()
    for mb in (300, 700, 50):
        _ballast(stub_phone, 1, mb)
        assert idle - stub_phone.available_kb() == pytest.approx(mb * 1024, abs=4096)
    _ballast(stub_phone, 2, 100)
    assert idle - stub_phone.available_kb() == pytest.approx(150 * 1024, abs=4096)
    pid = _pid(stub_phone, f"{_PACKAGE}:ballast1")
    assert pid is not None
    assert pid != _pid(stub_phone, f"{_PACKAGE}:ballast2")
    assert f"{_PACKAGE}:ballast1" in stub_phone.sh(f"cat /proc/{pid}/cmdline")
    _ballast(stub_phone, 1, 0)
    _ballast(stub_phone, 2, 0)
    assert _pid(stub_phone, f"{_PACKAGE}:ballast1") is None
    assert idle - stub_phone.available_kb() == pytest.approx(0, abs=4096)


def test_a_process_that_takes_60_mb_lowers_available_ram_by_60_mb(stub_phone: FarmPhone) -> None:
    idle = stub_phone.available_kb()
    small, events = _job(stub_phone, "small", allocate_mb=0)
    _start(stub_phone, small)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    eventually(lambda: idle - stub_phone.available_kb() > 2048)
    bare = stub_phone.available_kb()
    stub_phone.sh(f"am force-stop {_PACKAGE}")
    _gone(stub_phone)
    big, events = _job(stub_phone, "big", allocate_mb=60)
    _start(stub_phone, big)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    eventually(lambda: bare - stub_phone.available_kb() > 55 * 1024, timeout_s=3)
    assert bare - stub_phone.available_kb() == pytest.approx(60 * 1024, abs=5 * 1024)
    stub_phone.sh(f"am force-stop {_PACKAGE}")
    eventually(lambda: abs(idle - stub_phone.available_kb()) < 4096)


def test_lmkd_takes_ballast_before_the_trainer_and_leaves_evidence(stub_phone: FarmPhone) -> None:
    job, events = _job(stub_phone, "survivor")
    _start(stub_phone, job)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    trainer = _pid(stub_phone)
    available_mb = stub_phone.available_kb() // 1024
    _ballast(stub_phone, 1, 200)
    _ballast(stub_phone, 2, available_mb - 203)
    victim = f"{_PACKAGE}:ballast2"
    _gone(stub_phone, victim)
    assert _pid(stub_phone) == trainer
    assert _pid(stub_phone, f"{_PACKAGE}:ballast1") is not None
    main = parse_lmk(stub_phone.sh("logcat -d -b main,events")).kills
    (kill,) = [k for k in main if k.source == "lmkd"]
    assert (kill.process, kill.oom_score_adj) == (victim, 700)
    assert kill.freed_kb == (available_mb - 203) * 1024
    assert [k.process for k in main if k.source == "am_proc_died"] == [victim]


def test_lmkd_takes_the_trainer_when_nobody_else_is_left(stub_phone: FarmPhone) -> None:
    job, events = _job(stub_phone, "lost")
    _start(stub_phone, job)
    eventually(lambda: stub_phone.adb("shell", f"cat '{events}'").stdout)
    pid = _pid(stub_phone)
    stub_phone.do("kill", process=_PACKAGE)
    _gone(stub_phone)
    kills = parse_lmk(stub_phone.sh("logcat -d -b all")).kills
    (kill,) = [k for k in kills if k.source == "lmkd"]
    assert (kill.pid, kill.process, kill.oom_score_adj) == (pid, _PACKAGE, 200)
    assert re.search(rf"Process {pid} exited due to signal 9", stub_phone.sh("logcat -d"))


def test_a_shell_process_that_raises_its_own_score_can_be_taken(stub_phone: FarmPhone) -> None:
    _ballast(stub_phone, 1, 10)
    command = (
        "setsid sh -c 'echo $$ > $ANDROID_DATA/local/tmp/hog; exec sleep 100'"
        " < /dev/null > /dev/null 2>&1 &"
    )
    stub_phone.sh(command)
    hog = eventually(
        lambda: stub_phone.adb("shell", "cat $ANDROID_DATA/local/tmp/hog").stdout.strip()
    ).decode()
    stub_phone.sh(f"echo 900 > /proc/{hog}/oom_score_adj")
    assert hog in stub_phone.sh("ps -A -o PID").split()
    _ballast(stub_phone, 1, 10 + stub_phone.available_kb() // 1024 - 4)
    eventually(lambda: hog not in stub_phone.sh("ps -A -o PID").split())
    lines = stub_phone.sh("logcat -d -s lowmemorykiller")
    assert f"({hog}), uid 2000" in lines


def test_launched_apps_are_cached_one_after_the_other(stub_phone: FarmPhone) -> None:
    idle = stub_phone.available_kb()
    stub_phone.sh("am start -n com.android.browser/.BrowserActivity")
    assert idle - stub_phone.available_kb() == pytest.approx(260 * 1024, abs=4096)
    assert "com.android.browser/" in stub_phone.sh("dumpsys window windows")
    stub_phone.sh("monkey -p com.android.settings -c android.intent.category.LAUNCHER 1")
    processes = stub_phone.sh("dumpsys activity processes")
    assert re.search(r"com.android.browser(?s:.)*?cur=900", processes)
    assert re.search(r"com.android.settings(?s:.)*?cur=0 ", processes)
    stub_phone.sh("am force-stop com.android.browser; am force-stop com.android.settings")
    eventually(lambda: abs(idle - stub_phone.available_kb()) < 4096)
    result = stub_phone.adb("shell", "am start -n org.absent/.Main")
    assert result.returncode == 1
    assert b"does not exist" in result.stderr
