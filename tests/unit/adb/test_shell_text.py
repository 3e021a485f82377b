"""Pure parts of the adb side: quoting, shell packets, device lists, addresses."""

import struct
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.adb.listing import parse_devices
from harness.adb.server import default_address, is_tcp, parse_address
from harness.adb.shell import Packets, command_text, quote
from harness.adb.transfer import LocalFile, stamp_of
from harness.errors import InputError

WORD = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)


@settings(max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=5))
def test_a_shell_gives_back_the_words_that_were_quoted(words: list[str]) -> None:
    text = command_text(["printf", "%s\\0", *words])
    # a word that is not quoted may be a redirection: what it writes goes with the folder
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True, cwd=folder)
    assert done.stdout == "".join(f"{word}\0" for word in words).encode()


def test_nul_is_refused_and_text_is_left_alone() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
    assert command_text("echo $HOME | cat") == "echo $HOME | cat"


PACKET = st.tuples(st.integers(0, 5), st.binary(max_size=200))


@given(st.lists(PACKET, max_size=10), st.lists(st.integers(1, 50), min_size=1))
def test_packets_come_out_however_the_bytes_are_cut(
    packets: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(struct.pack("<BI", kind, len(data)) + data for kind, data in packets)
    reader, found, position, turn = Packets(), [], 0, 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        found += reader.feed(stream[position : position + step])
        position, turn = position + step, turn + 1
    assert found == packets


def test_what_is_not_the_shell_protocol() -> None:
    with pytest.raises(EOFError, match="not shell protocol"):
        Packets().feed(b"error: closed\n")


DEVICES = (
    "FA6A70300001           device usb:1-4.2 product:flame model:Pixel_4 device:flame "
    "transport_id:3\n"
    "127.0.0.1:39001        offline transport_id:9\n"
    "84f7aaaa               unauthorized usb:1-1 transport_id:2\n"
    "NOPERM0001             no permissions (missing udev rules? user is in the plugdev group); "
    "see [http://developer.android.com/tools/device.html] usb:3-1 transport_id:4\n"
    "adb-R58M1-a1b2c3._adb-tls-connect._tcp device product:x model:X device:x transport_id:5\n"
)


def test_a_device_list() -> None:
    found = parse_devices(DEVICES)
    assert [(device.adb_serial, device.state) for device in found] == [
        ("FA6A70300001", "device"),
        ("127.0.0.1:39001", "offline"),
        ("84f7aaaa", "unauthorized"),
        ("NOPERM0001", "no permissions"),
        ("adb-R58M1-a1b2c3._adb-tls-connect._tcp", "device"),
    ]
    assert found[0].tags["model"] == "Pixel_4"
    assert found[3].tags["usb"] == "3-1"
    assert parse_devices("") == []


def test_mdns_names_with_spaces() -> None:
    found = parse_devices(
        "adb-R58M1-a1b2c3 (2)._adb-tls-connect._tcp device product:x model:X transport_id:5\n"
        "adb R (2)              offline transport_id:6\n"
    )
    assert [(device.adb_serial, device.state) for device in found] == [
        ("adb-R58M1-a1b2c3 (2)._adb-tls-connect._tcp", "device"),
        ("adb R (2)", "offline"),
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:5037", ("127.0.0.1", 5037)),
        ("5038", ("127.0.0.1", 5038)),
        ("[::1]:5037", ("::1", 5037)),
        ("farm.example:5037", ("farm.example", 5037)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "host:0", "host:70000"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        parse_address(text)


def test_the_address_that_adb_itself_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert default_address() == "127.0.0.1:5037"
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "6000")
    assert default_address() == "127.0.0.1:6000"
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:farm:7000")
    assert default_address() == "farm:7000"


def test_tcp_serials() -> None:
    assert is_tcp("127.0.0.1:39001")
    assert is_tcp("[fe80::1]:5555")
    assert not is_tcp("FA6A70300001")
    assert not is_tcp("adb-R58M1-a1b2c3._adb-tls-connect._tcp")


@given(st.binary(min_size=32, max_size=32))
def test_stamps_are_plausible_times(digest: bytes) -> None:
    assert 1_000_000_000 <= stamp_of(digest.hex()) < 1_300_000_000


def test_names_that_could_leave_the_folder_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.b c"
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match="not a name"):
        LocalFile.of(path)
    with pytest.raises(ValueError, match="not a name"):
        LocalFile(path, "../" + "a" * 61, "", 1)
