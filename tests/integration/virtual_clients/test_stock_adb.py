"""Stock adb, newest and oldest in use, each with its own server: all that a lab does with it."""

import hashlib
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.fixtures.clients import StockAdb
from tests.fixtures.data.apk import write_apk


def test_it_is_listed_by_name(stock_adb: StockAdb) -> None:
    line = next(
        line
        for line in stock_adb.ok("devices", "-l").splitlines()
        if line.startswith(stock_adb.phone.adb_serial)
    )
    assert {"device", "product:flame", "model:Pixel_4", "device:flame"} <= set(line.split())
    assert stock_adb.ok("get-state").strip() == "device"


def test_shell_keeps_code_and_errors_apart(stock_adb: StockAdb) -> None:
    result = stock_adb("shell", "echo out; echo err >&2; cat; exit 7", stdin=b"in\n")
    assert (result.returncode, result.stdout, result.stderr) == (7, b"out\nin\n", b"err\n")
    raw = stock_adb("shell", "-x", "echo out; echo err >&2; exit 7")  # the protocol of old phones
    assert (raw.returncode, raw.stdout) == (0, b"out\nerr\n")
    terminal = stock_adb("shell", "-t", "-t", "tty; exit 3")
    assert terminal.returncode == 3
    assert terminal.stdout.startswith(b"/dev/pts/")
    assert terminal.stdout.endswith(b"\r\n")


@pytest.mark.parametrize("packing", ["none", "brotli", "lz4", "zstd", "any"])
def test_files_there_and_back(stock_adb: StockAdb, packing: str, tmp_path: Path) -> None:
    # adb 29 packs nothing: there the four are one and the same
    flags = [] if packing == "none" or stock_adb.version < 31 else ["-z", packing]
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(300_000) + bytes(3_000_000) + b"text\n" * 100_000)
    where = f"/data/local/tmp/{packing}"
    stock_adb.ok("push", *flags, str(there), where)
    stock_adb.ok("pull", *flags, where, str(back))
    sums = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (there, back)}
    assert len(sums) == 1
    assert hashlib.sha256((stock_adb.phone.root / where[1:]).read_bytes()).hexdigest() in sums


def test_folders_there_and_back(stock_adb: StockAdb, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/big").write_bytes(os.urandom(200_000))
    (tmp_path / "a/run.sh").write_text("#!/system/bin/sh\necho ran\n")
    (tmp_path / "a/run.sh").chmod(0o755)
    stock_adb.ok("push", str(tmp_path / "a"), "/data/local/tmp/tree")
    assert stock_adb.ok("shell", "sh $ANDROID_DATA/local/tmp/tree/run.sh") == "ran\n"
    stock_adb.ok("pull", "/data/local/tmp/tree/.", str(tmp_path / "back"))
    assert (tmp_path / "back/b/big").read_bytes() == (tmp_path / "a/b/big").read_bytes()
    assert "run.sh" in stock_adb.ok("ls", "/data/local/tmp/tree")
    stock_adb.ok("push", "--sync", str(tmp_path / "a"), "/data/local/tmp/tree")
    stock_adb.ok("shell", "rm -r $ANDROID_DATA/local/tmp/tree")


@pytest.mark.parametrize("flags", [(), ("--no-streaming",)])
def test_install_and_uninstall(stock_adb: StockAdb, flags: tuple[str, ...], tmp_path: Path) -> None:
    apk = write_apk(tmp_path / "x.apk", "org.example.stock", padding=2_000_000)
    assert "Success" in stock_adb.ok("install", *flags, "-r", str(apk))
    assert "org.example.stock" in stock_adb.ok("shell", "pm", "list", "packages", "-3")
    future = write_apk(tmp_path / "y.apk", "org.example.future", min_sdk=99)
    refused = stock_adb("install", *flags, str(future))
    assert refused.returncode == 1
    assert b"INSTALL_FAILED_OLDER_SDK" in refused.stdout + refused.stderr
    assert "Success" in stock_adb.ok("uninstall", "org.example.stock")
    assert stock_adb("uninstall", "org.example.stock").returncode == 1


def test_forward_and_reverse_carry_bytes(stock_adb: StockAdb) -> None:
    def echo(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(peer.recv(100).upper())

    for way in ("forward", "reverse"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=echo, args=(listener,), daemon=True).start()
            target = f"tcp:{listener.getsockname()[1]}"
            port = int(stock_adb.ok(way, "tcp:0", target).strip())
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"hello")
                assert client.recv(100) == b"HELLO"
            assert target in stock_adb.ok(way, "--list")
            stock_adb.ok(way, "--remove", f"tcp:{port}")


def test_logcat_by_tag_and_since(stock_adb: StockAdb) -> None:
    stock_adb.ok("shell", "logcat", "-c")
    since = stock_adb.ok("shell", "date +'%m-%d %H:%M:%S.000'").strip()
    stock_adb.ok("shell", "log -t First one; log -p e -t Second two; sleep 0.05")
    time.sleep(1.05)
    now = stock_adb.ok("shell", "date +'%m-%d %H:%M:%S.000'").strip()
    stock_adb.ok("shell", "log -t Third three")
    brief = stock_adb.ok("logcat", "-d", "-v", "tag", "-s", "Second:E", "Third")
    lines = [line for line in brief.splitlines() if line[0] != "-"]
    assert lines == ["E/Second  : two", "I/Third   : three"]
    assert "one" in stock_adb.ok("logcat", "-d", "-T", since)
    later = stock_adb.ok("logcat", "-d", "-t", now)
    assert "three" in later
    assert "one" not in later


def test_root_is_refused(stock_adb: StockAdb) -> None:
    assert "adbd cannot run as root in production builds" in stock_adb.ok("root")
