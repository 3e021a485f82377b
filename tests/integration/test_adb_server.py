"""The private adb server: it ends with us, comes back when it dies, and rejects being killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.adb.errors import ServerUnavailable
from harness.adb.phone import Phone
from harness.adb.private import free_port
from harness.adb.server import AdbServer
from tests.fixtures.bare_phone import BarePhone


def command_lines() -> Iterator[tuple[int, list[bytes]]]:
    """All processes of this host with their command lines."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(folder.name), (folder / "cmdline").read_bytes().split(b"\0")


def server_pids(port: int) -> list[int]:
    """Pids of adb processes (and their watchers) that serve a port."""
    return [
        pid
        for pid, words in command_lines()
        if b"nodaemon" in words and str(port).encode() in words
    ]


def serving(port: str) -> list[int]:
    """Pids of stock servers (``adb fork-server``) on a port."""
    return [
        pid
        for pid, words in command_lines()
        if b"fork-server" in words and any(port.encode() in word for word in words)
    ]


def until(what: Callable[[], object], limit_s: float = 15.0) -> bool:
    end = time.monotonic() + limit_s
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AdbServer]:
    made = AdbServer.start_private(folder=tmp_path / "home")
    yield made
    made.close()


def test_it_is_private_and_ends_with_its_owner(server: AdbServer, tmp_path: Path) -> None:
    assert server.private
    assert server.port != 5037
    assert server.version() >= 41
    assert server.devices() == []
    assert (tmp_path / "home/.android/adbkey").is_file(), "its keys are its own"
    assert server_pids(server.port)
    server.close()
    assert server_pids(server.port) == []
    with pytest.raises(ServerUnavailable):
        server.devices()
    server.close()


def test_a_stray_kill_server_does_not_end_it(server: AdbServer) -> None:
    assert server.adb("kill-server").returncode != 0
    assert server.version() >= 41


def test_closing_an_existing_one_leaves_it(server: AdbServer) -> None:
    with AdbServer.existing(server.address) as other:
        assert not other.private
    assert server.version() >= 41


def test_it_comes_back_with_its_phones(
    server: AdbServer, make_bare_phone: Callable[..., BarePhone]
) -> None:
    bare = make_bare_phone(connect=False)
    server.connect(bare.address)
    phone = Phone(server, bare.address)
    assert phone.run("echo one").stdout == "one\n"
    adb = max(server_pids(server.port))
    for pid in server_pids(server.port):
        if Path(f"/proc/{pid}/exe").resolve().name == "adb":
            adb = pid
    os.kill(adb, signal.SIGKILL)
    assert until(lambda: adb not in server_pids(server.port))
    phone.wait_online(20.0)
    assert phone.run("echo two").stdout == "two\n"


def test_a_server_whose_watcher_died_is_replaced(
    server: AdbServer, make_bare_phone: Callable[..., BarePhone]
) -> None:
    bare = make_bare_phone(connect=False)
    server.connect(bare.address)
    before = server_pids(server.port)
    assert server._process is not None
    assert server._process._process is not None
    os.kill(server._process._process.pid, signal.SIGKILL)
    assert until(lambda: not set(before) & set(server_pids(server.port)))
    phone = Phone(server, bare.address)
    phone.wait_online(20.0)
    assert phone.run("echo two").stdout == "two\n"
    assert server._process.restarts == 1


def test_it_ends_when_its_owner_is_killed() -> None:
    code = (
        "from harness.adb.server import AdbServer; import time\n"
        "print(AdbServer.start_private().port, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    port = int(owner.stdout.readline())
    assert server_pids(port)
    owner.kill()
    owner.wait()
    assert until(lambda: not server_pids(port))


def test_the_users_own_server_is_started_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ServerUnavailable):
        AdbServer.existing(address)
    for name, value in {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "ADB_USB": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ADB_EMU", "0")
    monkeypatch.setenv("ADB_MDNS_AUTO_CONNECT", "0")
    port = address.rpartition(":")[2]
    try:
        with AdbServer.start_default(address) as server:
            assert not server.private
            assert server.version() >= 41
        assert AdbServer.start_default(address).version() >= 41, "the one that runs is used"
    finally:
        for pid in serving(port):
            os.kill(pid, signal.SIGTERM)
    assert until(lambda: not serving(port))


def test_a_binary_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "adb"
    broken.write_text("#!/bin/sh\necho this host lacks something >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(broken))
    with pytest.raises(ServerUnavailable, match="this host lacks something"):
        AdbServer.start_private()
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(tmp_path / "absent"))
    with pytest.raises(ServerUnavailable, match="no adb binary"):
        AdbServer.start_private()
