"""adb-shell over TCP: a client in Python that speaks to adbd itself, without an adb server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.bare_phone import BarePhone

adb_shell = pytest.importorskip("adb_shell.adb_device", reason="adb-shell is not installed")

LIMIT_S = 20.0


@pytest.fixture
def device(make_bare_phone: Callable[..., BarePhone]) -> Iterator[object]:
    phone = make_bare_phone(connect=False)
    device = adb_shell.AdbDeviceTcp("127.0.0.1", phone.port, default_transport_timeout_s=LIMIT_S)
    assert device.connect()
    yield device
    device.close()


def test_shell_and_files(device: "adb_shell.AdbDeviceTcp", tmp_path: Path) -> None:
    assert device.shell("echo here", read_timeout_s=LIMIT_S) == "here\n"
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 1000)
    device.push(str(source), "/data/local/tmp/file", read_timeout_s=LIMIT_S)
    mode, size, _ = device.stat("/data/local/tmp/file", read_timeout_s=LIMIT_S)
    assert (mode >> 12, size) == (0o10, 256_000)
    entries = device.list("/data/local/tmp", read_timeout_s=LIMIT_S)
    assert b"file" in {bytes(entry.filename) for entry in entries}
    device.pull("/data/local/tmp/file", str(back), read_timeout_s=LIMIT_S)
    assert back.read_bytes() == source.read_bytes()
    assert device.shell("echo still", read_timeout_s=LIMIT_S) == "still\n"


def test_a_stream_that_is_left_is_closed(device: "adb_shell.AdbDeviceTcp") -> None:
    lines = device.streaming_shell("while echo again; do sleep 0.1; done", read_timeout_s=LIMIT_S)
    assert next(lines).strip() == "again"
    lines.close()
    assert device.shell("echo next", read_timeout_s=LIMIT_S) == "next\n"
