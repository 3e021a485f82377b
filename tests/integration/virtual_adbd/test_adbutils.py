"""The adbutils client against a virtual phone."""

import io
import struct
from dataclasses import replace
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


def _give_screencap(phone: BarePhone, text: str) -> None:
    """Give the phone the program that adbd has a picture taken with."""
    program = phone.root.root_dir / "system/bin/screencap"
    program.write_text(f"#!{phone.root.shell}\n{text}\n")
    program.chmod(0o755)


def _service(device: adbutils.AdbDevice, name: str) -> adbutils.AdbConnection:
    stream = device.open_transport()
    stream.send_command(name)
    stream.check_okay()
    return stream


@pytest.mark.parametrize(("sdk", "space"), [("27", ()), ("28", (7,))])
def test_a_frame_buffer_is_a_head_and_the_pixels_of_screencap(
    device: adbutils.AdbDevice, plain_phone: BarePhone, sdk: str, space: tuple[int, ...]
) -> None:
    spec = plain_phone.root.spec
    plain_phone.root.spec = replace(spec, properties={"ro.build.version.sdk": sdk})
    # 2 by 3 pixels of RGBA_8888, in a colour space from Android 9 on, then the pixels
    numbers = "".join(f"\\{number:03o}\\000\\000\\000" for number in (2, 3, 1, *space))
    _give_screencap(plain_phone, f"printf '{numbers}abcdefghijklmnopqrstuvwx'")
    with _service(device, "framebuffer:") as stream:
        expected = (1 + len(space), 32, *space, 24, 2, 3, 0, 8, 16, 8, 8, 8, 24, 8)
        size = 4 * len(expected)
        assert struct.unpack(f"<{len(expected)}I", stream.read_exact(size)) == expected
        assert stream.read_until_close(encoding=None) == b"abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize("program", ["exit 1", r"printf '\001\000'", "printf '%16s' not-a-format"])
def test_a_screen_that_gives_no_picture_is_an_empty_frame_buffer(
    device: adbutils.AdbDevice, plain_phone: BarePhone, program: str
) -> None:
    _give_screencap(plain_phone, program)
    with _service(device, "framebuffer:") as stream:
        assert stream.read_until_close(encoding=None) == b""
    assert device.shell("echo on") == "on"


def test_no_app_has_a_java_debugger(device: adbutils.AdbDevice) -> None:
    with _service(device, "jdwp") as stream:
        assert stream.read_until_close(encoding=None) == b""
    with _service(device, "track-jdwp") as stream:
        assert stream.read_exact(4) == b"0000"
    with pytest.raises(adbutils.AdbError):
        _service(device, "jdwp:1")
