"""Every command of the userland, asked by the stock adb client."""

import re
import time

import pytest

from harness.readings.battery import parse_battery
from harness.readings.cpuinfo import parse_cpuinfo
from harness.readings.meminfo_package import parse_meminfo_package
from harness.readings.meminfo_system import parse_meminfo_system
from harness.readings.proc_meminfo import parse_proc_meminfo
from harness.readings.proc_stat import parse_proc_stat
from harness.readings.thermal import parse_thermal
from tests.fixtures.farm import FarmPhone, eventually


def _failed(phone: FarmPhone, command: str) -> tuple[int, str, str]:
    result = phone.adb("shell", command)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def test_getprop_knows_one_all_and_defaults(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("getprop ro.vlab.profile") == "pixel-4\n"
    assert stub_phone.sh("getprop no.such.property") == "\n"
    assert stub_phone.sh("getprop no.such.property fallback") == "fallback\n"
    assert stub_phone.sh("getprop ../../data/system/packages.json") == "\n"
    lines = stub_phone.sh("getprop").splitlines()
    assert "[ro.vlab.virtual]: [1]" in lines
    assert len(lines) > 40
    assert all(re.fullmatch(r"\[[^]]+\]: \[.*\]", line) for line in lines)


def test_setprop_sets_but_never_what_is_read_only(stub_phone: FarmPhone) -> None:
    stub_phone.sh("setprop debug.test.a 'two  words \\n'")
    assert stub_phone.sh("getprop debug.test.a") == "two  words \\n\n"
    stub_phone.sh("setprop debug.test.a ''")
    assert stub_phone.sh("getprop debug.test.a was-empty") == "was-empty\n"
    for key, value in (
        ("ro.vlab.virtual", "0"),
        ("ro.new", "1"),
        ("../escape", "1"),
        ("debug.test.long", "x" * 92),
    ):
        code, output, errors = _failed(stub_phone, f"setprop {key} {value}")
        assert (code, output) == (1, "")
        assert "Failed to set property" in errors
    assert stub_phone.sh("getprop ro.vlab.virtual") == "1\n"


def test_dumpsys_of_an_unknown_service_is_no_failure(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("dumpsys nonsense") == "Can't find service: nonsense\n"
    assert "  battery\n" in stub_phone.sh("dumpsys -l")


def test_dumps_are_what_our_own_parsers_expect(stub_phone: FarmPhone) -> None:
    stub_phone.do("battery", percent=87, power="none")
    battery = parse_battery(stub_phone.sh("dumpsys battery"))
    assert battery.percent == 87
    assert battery.plugged is False
    assert 3400 < (battery.voltage_mv or 0) < 4400
    thermal = parse_thermal(stub_phone.sh("dumpsys thermalservice"))
    assert thermal.status == 0
    assert 25 < (thermal.hottest_c() or 0) < 60
    system = parse_meminfo_system(stub_phone.sh("dumpsys meminfo"))
    assert (system.total_ram_kb or 0) > 5_000_000
    stub_phone.sh("sh -c 'for i in 1 2 3; do sleep 0.2; done'")
    cpu = parse_cpuinfo(stub_phone.sh("dumpsys cpuinfo"))
    assert cpu.total_percent is not None
    assert cpu.load is not None


def test_meminfo_of_a_process_is_the_kernels_own_figure(stub_phone: FarmPhone) -> None:
    stub_phone.sh("sleep 60 < /dev/null > /dev/null 2>&1 & echo $! > $ANDROID_DATA/local/tmp/pid")
    pid = int(stub_phone.sh("cat $ANDROID_DATA/local/tmp/pid"))
    text = stub_phone.sh(f"dumpsys meminfo {pid}")
    status = stub_phone.sh(f"cat /proc/{pid}/status")
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])  # type: ignore[index]
    (process,) = parse_meminfo_package(text).processes
    assert process.pid == pid
    assert process.name == "sleep"
    assert process.total_rss_kb == pytest.approx(resident, abs=300)
    assert 0 < (process.total_pss_kb or 0) <= resident
    stub_phone.sh(f"kill {pid}")
    gone = parse_meminfo_package(stub_phone.sh("dumpsys meminfo org.example.absent"))
    assert gone.not_found == "org.example.absent"


def test_proc_files_hold_the_phones_figures_and_grow(stub_phone: FarmPhone) -> None:
    folder = stub_phone.proc_dir
    memory = parse_proc_meminfo(stub_phone.sh(f"cat '{folder}/meminfo'"))
    assert memory.total_kb == int(6144 * 0.955) * 1024
    assert (memory.free_kb or 0) <= (memory.available_kb or 0) < (memory.total_kb or 0)
    before = parse_proc_stat(stub_phone.sh(f"cat '{folder}/stat'"))
    # a process that lives wholly between two looks of the accountant is not seen
    stub_phone.sh(
        "setsid sh -c 'end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do"
        " i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; done' < /dev/null > /dev/null 2>&1 &"
    )

    def later() -> bool:
        now = parse_proc_stat(stub_phone.sh(f"cat '{folder}/stat'"))
        assert now.all is not None
        assert before.all is not None
        assert len(now.cores) == 8
        assert now.all.total == pytest.approx(sum(c.total for c in now.cores.values()), abs=8)
        return now.all.busy - before.all.busy > 5 and now.all.total > before.all.total

    eventually(later)

    def uptime() -> float:
        return float(stub_phone.sh(f"cat '{folder}/uptime'").split()[0])

    first = uptime()
    eventually(lambda: uptime() > first)
    assert uptime() - first < 30


def test_ps_shows_the_phones_processes_alone(stub_phone: FarmPhone) -> None:
    lines = stub_phone.sh("ps -A").splitlines()
    assert " ".join(lines[0].split()) == "USER PID PPID VSZ RSS WCHAN ADDR S NAME"
    names = {line.split()[-1] for line in lines[1:]}
    assert {"init", "system_server", "ps"} <= names
    assert not names & {"python3", "python", "adb", "pytest"}
    shown = stub_phone.sh("ps -A -o PID,NAME").splitlines()
    assert shown[0].split() == ["PID", "NAME"]
    mine = stub_phone.sh("echo $$; ps -p $$ -o PID,NAME").split()
    assert mine[0] == mine[3]
    code, _, errors = _failed(stub_phone, "ps -o BOGUS")
    assert code == 1
    assert "bad -o" in errors


def test_pidof_pgrep_and_pkill_reach_only_the_phone(stub_phone: FarmPhone) -> None:
    # not a tool: a copy of toybox does not know its task by a name of ours
    stub_phone.sh("cp $ANDROID_ROOT/bin/sh $ANDROID_DATA/local/tmp/snoozer")
    stub_phone.sh(
        "chmod 755 $ANDROID_DATA/local/tmp/snoozer;"
        "setsid $ANDROID_DATA/local/tmp/snoozer -c 'sleep 60; :' < /dev/null > /dev/null 2>&1 &"
    )
    pid = int(eventually(lambda: _failed(stub_phone, "pidof snoozer")[1].strip()))
    assert stub_phone.sh("pgrep snoozer").split() == [str(pid)]
    stub_phone.sh("pkill -9 -x snoozer")
    eventually(lambda: _failed(stub_phone, "pidof snoozer")[0] == 1)
    _, _, errors = _failed(stub_phone, "pkill lmkd")
    assert "not permitted" in errors
    assert _failed(stub_phone, "pgrep no_such_process")[0] == 1


def test_logcat_dumps_filters_and_clears(stub_phone: FarmPhone) -> None:
    stub_phone.sh("log -t Apple -p w 'red fruit'; log -t Pear -p d green")
    text = stub_phone.sh("logcat -d")
    assert "--------- beginning of main" in text
    assert re.search(
        r"^\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +\d+ +\d+ W Apple   : red fruit$", text, re.M
    )
    assert "Pear" not in stub_phone.sh("logcat -d -s Apple")
    assert "Pear" not in stub_phone.sh("logcat -d '*:I'")
    assert "Apple" in stub_phone.sh("logcat -d -v brief Pear:S")
    assert "W/Apple" in stub_phone.sh("logcat -d -v time -e fruit")
    lines = stub_phone.sh("logcat -d -t 1 -b main").splitlines()
    assert len(lines) == 2
    assert "green" in lines[1]
    stub_phone.sh("logcat -c")
    assert "Apple" not in stub_phone.sh("logcat -d")
    assert _failed(stub_phone, "logcat -b nonsense")[0] == 1
    assert _failed(stub_phone, "logcat --nonsense")[0] == 1


def test_logcat_prune_ends_at_once_and_says_nothing(stub_phone: FarmPhone) -> None:
    started = time.monotonic()
    assert stub_phone.sh('logcat -P ""', timeout_s=10) == ""
    assert time.monotonic() - started < 5


def test_logcat_follows_and_is_let_go_when_nobody_listens(stub_phone: FarmPhone) -> None:
    stub_phone.sh("logcat -c")
    process = stub_phone.popen("logcat", "-T", "1", "-v", "brief")
    try:
        assert process.stdout is not None
        eventually(lambda: "logcat" in stub_phone.sh("ps -A -o ARGS"))
        for number in range(3):
            stub_phone.sh(f"log -t Tick 'number {number}'")
            while not (line := process.stdout.readline()).startswith(b"I/Tick"):
                assert line, "the stream ended"
            assert line.endswith(f": number {number}\n".encode())
        assert "logcat" in stub_phone.sh("ps -A -o ARGS")
    finally:
        process.kill()
        process.wait()
    eventually(lambda: "logcat" not in stub_phone.sh("ps -A -o ARGS"))


def test_settings_tables(stub_phone: FarmPhone) -> None:
    assert stub_phone.sh("settings get global no_such_thing") == "null\n"
    stub_phone.sh("settings put global wifi_sleep_policy 2")
    assert stub_phone.sh("settings get global wifi_sleep_policy") == "2\n"
    assert "wifi_sleep_policy=2\n" in stub_phone.sh("settings list global")
    assert stub_phone.sh("settings delete global wifi_sleep_policy") == "Deleted 1 rows\n"
    assert stub_phone.sh("settings get global wifi_sleep_policy") == "null\n"
    assert _failed(stub_phone, "settings get nonsense x")[0] == 255
    android_id = stub_phone.sh("settings get secure android_id").strip()
    row = stub_phone.sh(
        "content query --uri content://settings/secure --projection value"
        " --where \"name='android_id'\""
    )
    assert row == f"Row: 0 value={android_id}\n"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("getenforce", r"Enforcing\n"),
        ("whoami", r"shell\n"),
        ("id -u", r"2000\n"),
        ("id", r"uid=2000\(shell\) gid=2000\(shell\) groups=.*context=u:r:shell:s0\n"),
        ("wm size", r"Physical size: \d+x\d+\n"),
        ("wm density", r"Physical density: \d+\n"),
        ("service check battery", r"Service battery: found\n"),
        ("service check nonsense", r"Service nonsense: not found\n"),
        ("am get-current-user", r"0\n"),
        ("input keyevent 3", ""),
        ("svc power stayon true", ""),
        ("dumpsys deviceidle disable", r"(?s).*mode disabled\n"),
        ("dumpsys deviceidle whitelist +org.example", r"Added: org.example\n"),
        ("dumpsys window windows", r"(?s).*mCurrentFocus=Window\{\w+ u0 [\w.]+/[\w.]+\}.*"),
        ("dumpsys display", r"(?s).*orientation=0.*"),
        ("dumpsys power", r"(?s).*mHoldingDisplaySuspendBlocker=true.*"),
        ("dumpsys activity processes", r"(?s)ACTIVITY MANAGER RUNNING PROCESSES.*"),
        ("ifconfig wlan0", r"(?s).*inet addr:192\.0\.2\..*"),
        ("df /data", r"(?s)Filesystem +1K-blocks +Used +Available +Use% Mounted on\n.* /data\n"),
        ("cmd -l", r"(?s).*  package\n.*"),
    ],
)
def test_small_commands(stub_phone: FarmPhone, command: str, expected: str) -> None:
    assert re.fullmatch(expected, stub_phone.sh(command))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("setenforce 0", 1),
        ("stop", 1),
        ("start surfaceflinger", 1),
        ("su -c id", 127),
        ("cmd nonsense list", 20),
        ("run-as org.mobileasr.trainer ls", 1),
        ("am nonsense", 255),
        ("wm nonsense", 255),
        ("ifconfig rmnet9", 1),
        ("df /no/such/place", 1),
        ("sh -c 'exit 3'", 3),
    ],
)
def test_failures_have_androids_exit_codes(stub_phone: FarmPhone, command: str, code: int) -> None:
    assert _failed(stub_phone, command)[0] == code


def test_screencap_is_a_png_also_into_a_file(stub_phone: FarmPhone) -> None:
    result = stub_phone.adb("exec-out", "screencap", "-p")
    assert result.stdout.startswith(b"\x89PNG\r\n\x1a\n")
    assert result.stdout.endswith(b"IEND\xaeB`\x82")
    stub_phone.sh("screencap -p /sdcard/a.png")
    assert stub_phone.phone.read_file("/sdcard/a.png") == result.stdout


def test_output_longer_than_a_pipe_arrives_whole(stub_phone: FarmPhone) -> None:
    stub_phone.sh("logcat -c; i=0; while [ $i -lt 30 ]; do i=$((i+1)); done")
    line = "x" * 3900
    for _ in range(30):
        stub_phone.sh(f"log -t Long {line}")
    text = stub_phone.sh("logcat -d -b main -s Long -v raw | cat | cat")
    assert text.count(line) == 30


def test_many_commands_at_once_do_not_mix(stub_phone: FarmPhone) -> None:
    command = "for i in 1 2 3 4 5 6 7 8; do (wm size; id -u; settings get global x) & done; wait"
    lines = stub_phone.sh(command).splitlines()
    assert sorted(lines) == sorted(["Physical size: 1080x2400", "2000", "null"] * 8)


def test_calls_leave_no_files_behind(stub_phone: FarmPhone) -> None:
    folder = stub_phone.root / "data/system/vlab"
    before = {p.name for p in folder.iterdir()}
    stub_phone.sh("wm size; wm size; id")
    assert before >= {"battery", "processes", "requests"}
    assert {p.name for p in folder.iterdir()} <= before
