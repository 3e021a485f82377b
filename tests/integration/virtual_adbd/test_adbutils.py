"""The adbutils client against a virtual phone."""

import io
from pathlib import Path

import adbutils
import pytest

from tests.fixtures.bare_phone import BarePhone


@pytest.fixture
def device(plain_phone: BarePhone) -> adbutils.AdbDevice:
    client = adbutils.AdbClient(plain_phone.server.host, plain_phone.server.port, 20)
    return client.device(plain_phone.address)


def test_it_lists_the_phone(device: adbutils.AdbDevice, plain_phone: BarePhone) -> None:
    client = adbutils.AdbClient(plain_phone.server.host, plain_phone.server.port, 20)
    assert plain_phone.address in [info.serial for info in client.list()]
    assert device.get_state() == "device"
    assert "shell_v2" in device.get_features()
    assert "delayed_ack" not in device.get_features()


def test_shell(device: adbutils.AdbDevice) -> None:
    assert device.shell("echo hi") == "hi"
    assert device.shell(["echo", "two words", "$HOME"]) == "two words $HOME"
    result = device.shell2("echo out; echo err >&2; exit 4", v2=True)
    assert (result.returncode, result.stdout, result.stderr) == (4, "out\n", "err\n")


def test_shell_stream(device: adbutils.AdbDevice) -> None:
    with device.shell("seq 3", stream=True) as stream:
        assert stream.read_until_close() == "1\n2\n3\n"


def test_sync(device: adbutils.AdbDevice, plain_phone: BarePhone, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000
    assert device.sync.push(io.BytesIO(data), "/data/local/tmp/f", mode=0o700) == len(data)
    state = device.sync.stat("/data/local/tmp/f")
    assert (state.size, state.mode & 0o777) == (len(data), 0o777)
    assert device.sync.exists("/data/local/tmp/f")
    assert not device.sync.exists("/data/local/tmp/none")
    assert "f" in [entry.path for entry in device.sync.list("/data/local/tmp")]
    assert device.sync.read_bytes("/data/local/tmp/f") == data
    device.sync.pull("/data/local/tmp/f", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_a_full_disk(device: adbutils.AdbDevice, plain_phone: BarePhone) -> None:
    plain_phone.faults.disk_free_bytes = 1000
    with pytest.raises(adbutils.AdbError):
        device.sync.push(io.BytesIO(bytes(5_000_000)), "/data/local/tmp/f")
    assert not plain_phone.root.host_path("/data/local/tmp/f").exists()


def test_forward_and_reverse(device: adbutils.AdbDevice) -> None:
    port = device.forward_port("localabstract:nothing")
    assert [item.remote for item in device.forward_list()] == ["localabstract:nothing"]
    assert port > 0
    device.reverse("tcp:0", "tcp:9")
    assert [item.local for item in device.reverse_list()] == ["tcp:9"]


def test_root(device: adbutils.AdbDevice) -> None:
    assert "production" in device.root()


def test_a_push_replaces_a_link_and_does_not_follow_it(
    device: adbutils.AdbDevice, plain_phone: BarePhone, tmp_path: Path
) -> None:
    """Stock adb asks for the file's state first and stops there; other clients just send."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    link = plain_phone.root.host_path("/data/local/tmp/f")
    link.symlink_to(secret)
    device.sync.push(io.BytesIO(b"new"), "/data/local/tmp/f")
    assert secret.read_text() == "secret"
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
