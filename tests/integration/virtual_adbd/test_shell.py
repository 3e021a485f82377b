"""Commands through the stock adb client."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.virtual.root import IsolationProbe, processes
from tests.fixtures.bare_phone import BarePhone


def wait_until(true: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return true()


def test_exit_code_and_errors_apart(bare_phone: BarePhone) -> None:
    result = bare_phone.adb("shell", "echo out; echo err >&2; exit 7")
    assert (result.returncode, result.stdout, result.stderr) == (7, b"out\n", b"err\n")


def test_death_by_signal_is_128_and_its_number(bare_phone: BarePhone) -> None:
    assert bare_phone.adb("shell", "kill -9 $$").returncode == 137


def test_unknown_command_is_127(bare_phone: BarePhone) -> None:
    result = bare_phone.adb("shell", "no_such_tool")
    assert result.returncode == 127
    assert b"not found" in result.stderr


def test_stdin_arrives_and_ends(bare_phone: BarePhone) -> None:
    sent = os.urandom(3_000_000)
    result = bare_phone.adb("shell", "cat", stdin=sent)
    assert result.returncode == 0
    assert result.stdout == sent


def test_early_end_of_a_reader_of_stdin_is_no_error(plain_phone: BarePhone) -> None:
    result = plain_phone.adb("shell", "head -c 3; exit 5", stdin=b"abc" * 1_000_000)
    assert (result.returncode, result.stdout) == (5, b"abc")


def test_both_outputs_whole_when_large(plain_phone: BarePhone) -> None:
    result = plain_phone.adb("shell", "seq 200000 & seq 200000 >&2; wait")
    want = b"".join(b"%d\n" % n for n in range(1, 200_001))
    assert result.stdout == want
    assert result.stderr == want


def test_terminal(bare_phone: BarePhone) -> None:
    result = bare_phone.adb(
        "shell", "-tt", "test -t 0 && test -t 1 && echo both; stty size; exit 3"
    )
    assert result.returncode == 3
    assert result.stdout.split() == [b"both", b"24", b"80"]


def test_interactive_shell_on_a_terminal(bare_phone: BarePhone) -> None:
    result = bare_phone.adb("shell", "-tt", stdin=b"echo $((6*7))\nexit 4\n")
    assert result.returncode == 4
    assert b"42\r\n" in result.stdout
    assert b"job control" not in result.stdout


def test_commands_without_the_shell_protocol(bare_phone: BarePhone) -> None:
    result = bare_phone.adb("exec-out", "printf 'a\\r\\n\\000b'; echo err >&2")
    assert result.stdout == b"a\r\n\0berr\n"
    path = f"{bare_phone.tmp}/in"
    assert bare_phone.adb("exec-in", f"cat > {path}", stdin=b"x" * 500_000).returncode == 0
    host = bare_phone.root.host_path("/data/local/tmp/in")
    assert wait_until(lambda: host.exists() and host.stat().st_size == 500_000)


def test_the_host_tools_are_not_the_phones(bare_phone: BarePhone) -> None:
    result = bare_phone.adb(
        "shell", "echo $PATH; for t in su ip mount pkill python3; do which $t; done"
    )
    assert result.stdout.decode().split() == [bare_phone.root.environment()["PATH"]]


def test_the_environment_is_not_the_hosts(
    bare_phone: BarePhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILEASR_TEST_LEAK", "1")
    result = bare_phone.adb("shell", "env")
    assert b"LEAK" not in result.stdout
    assert b"ANDROID_DATA=" + bare_phone.root.process_path("/data").encode() in result.stdout


def test_a_phone_with_its_own_root(make_bare_phone: Callable[..., BarePhone]) -> None:
    phone = make_bare_phone("userns")
    text = phone.adb(
        "shell",
        "id -u; grep CapEff /proc/self/status; ls / | tr '\\n' ' '; echo;"
        "ls /proc | grep -c '^[0-9]'; touch /system/x /x; echo 3 > /proc/sys/vm/swappiness",
    )
    uid, capabilities, top, processes = text.stdout.decode().splitlines()
    assert uid == "2000"
    assert int(capabilities.split()[1], 16) == 0
    assert {"data", "sdcard", "storage", "system", "proc"} <= set(top.split())
    assert "home" not in top.split()
    assert int(processes) < 12  # its own, not the host's
    assert text.stderr.count(b"Read-only file system") == 3


def test_files_of_proc_are_the_phones(
    make_bare_phone: Callable[..., BarePhone], tmp_path: Path
) -> None:
    phone = make_bare_phone("userns")
    phone.thread.run(phone.root.stop())
    meminfo = phone.root.root_dir / "proc/meminfo"
    meminfo.write_bytes(b"MemTotal:  1234 kB\n")
    phone.thread.run(phone.root.start())
    assert phone.adb("shell", "cat /proc/meminfo").stdout == b"MemTotal:  1234 kB\n"
    with meminfo.open("r+b") as file:
        file.write(b"MemTotal:  9999 kB\n")
    assert phone.adb("shell", "cat /proc/meminfo").stdout == b"MemTotal:  9999 kB\n"


def test_a_command_ends_with_its_client(bare_phone: BarePhone) -> None:
    client = bare_phone.popen("shell", "cat /dev/zero | tail -f /dev/null")
    assert wait_until(lambda: len(bare_phone.root.pids()) >= 2)
    client.kill()
    client.communicate()
    assert wait_until(lambda: bare_phone.root.pids() == [])


def test_a_command_that_does_not_read_ends_with_the_cable_too(plain_phone: BarePhone) -> None:
    client = plain_phone.popen("shell", "sleep 300")
    assert client.stdin is not None
    assert wait_until(lambda: plain_phone.root.pids() != [])
    os.set_blocking(client.stdin.fileno(), False)
    with contextlib.suppress(BlockingIOError):  # until all buffers on the way are full
        for _ in range(400):
            client.stdin.write(bytes(1 << 16))
            client.stdin.flush()
            time.sleep(0.002)
    plain_phone.thread.call(plain_phone.faults.drop_connections)
    client.kill()
    client.wait()
    assert wait_until(lambda: plain_phone.root.pids() == [])


def test_what_is_detached_survives_a_lost_cable(bare_phone: BarePhone) -> None:
    client = bare_phone.popen(
        "shell",
        "nohup sleep 301 >/dev/null 2>&1 & setsid sleep 302 >/dev/null 2>&1 & echo up; sleep 303",
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"up\n"
    assert wait_until(lambda: _sleepers(bare_phone) == ["301", "302", "303"])
    bare_phone.thread.call(lambda: bare_phone.faults.lose_cable(0.5))
    client.communicate(timeout=20)
    assert client.returncode != 0
    assert wait_until(lambda: _sleepers(bare_phone) == ["301", "302"])
    bare_phone.thread.run(bare_phone.root.stop())
    assert _sleepers(bare_phone) == []


def test_a_background_job_survives_its_shell(bare_phone: BarePhone) -> None:
    result = bare_phone.adb("shell", "sleep 304 >/dev/null 2>&1 </dev/null & echo started")
    assert result.stdout == b"started\n"
    assert _sleepers(bare_phone) == ["304"]


def test_pids_inside_and_outside(bare_phone: BarePhone) -> None:
    bare_phone.adb("shell", "setsid sleep 305 >/dev/null 2>&1 </dev/null & echo")
    assert wait_until(lambda: _sleepers(bare_phone) == ["305"])
    (outside,) = bare_phone.root.pids()
    inside = bare_phone.root.phone_pid(outside)
    assert bare_phone.root.host_pid(inside) == outside
    assert bare_phone.adb("shell", f"kill {inside}").returncode == 0
    assert wait_until(lambda: bare_phone.root.pids() == [])
    with pytest.raises(ProcessLookupError):
        bare_phone.root.phone_pid(os.getpid())


def test_phones_do_not_end_each_others_processes(make_bare_phone: Callable[..., BarePhone]) -> None:
    first, second = make_bare_phone(), make_bare_phone()
    for phone in (first, second):
        phone.adb("shell", "setsid sleep 306 >/dev/null 2>&1 </dev/null & echo")
        assert wait_until(lambda phone=phone: _sleepers(phone) == ["306"])
    first.thread.run(first.root.stop())
    assert _sleepers(first) == []
    assert _sleepers(second) == ["306"]


def test_interrupt_reaches_the_command_on_a_terminal(bare_phone: BarePhone) -> None:
    client = bare_phone.popen("shell", "-tt", "trap 'echo got; exit 9' INT; echo ready; read x")
    assert client.stdin is not None
    assert client.stdout is not None
    assert client.stdout.readline().strip() == b"ready"
    client.stdin.write(b"\x03")
    client.stdin.flush()
    out, _ = client.communicate(timeout=20)
    assert b"got" in out
    assert client.returncode == 9


_FARM = """
import asyncio, sys
from pathlib import Path
from harness.virtual.phone import PhoneSpec
from harness.virtual.root import open_root

async def main():
    root = open_root(PhoneSpec(sys.argv[1], Path(sys.argv[2]), "userns"))
    await root.start()
    process = await root.spawn("setsid sleep 307 & nohup sleep 308 & echo up; sleep 309")
    print((await process.stdout.readline()).decode(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.userns
def test_a_killed_farm_leaves_no_process_in_a_root_of_its_own(
    isolation_probe: IsolationProbe, tmp_path: Path
) -> None:
    if isolation_probe.kind != "userns":
        pytest.skip(f"no user namespaces here: {isolation_probe.reason}")
    serial = f"KILLED{os.getpid()}"
    farm = subprocess.Popen(
        [sys.executable, "-c", _FARM, serial, str(tmp_path / "phone")],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert farm.stdout is not None
    assert farm.stdout.readline() == b"up\n"
    marked = processes.by_serial
    assert wait_until(lambda: len(marked.pids(serial, fresh=True)) >= 3)
    os.killpg(farm.pid, signal.SIGKILL)
    farm.communicate()
    assert wait_until(lambda: marked.pids(serial, fresh=True) == [])


def _sleepers(phone: BarePhone) -> list[str]:
    """Return the arguments of the phone's ``sleep`` processes."""
    durations = []
    time.sleep(0.06)  # the table of processes is at most this old
    for pid in phone.root.pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"sleep" in words:  # toybox's nohup and setsid become it under their own names
            durations.append(words[words.index(b"sleep") + 1].decode())
    return sorted(durations)
