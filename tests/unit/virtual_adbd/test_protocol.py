"""Frames of the transport and of the shell protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.adbd import protocol

U32 = st.integers(0, 0xFFFFFFFF)


def test_a_header_byte_by_byte() -> None:
    """Worked by hand from AOSP protocol.txt."""
    packed = protocol.pack_header(protocol.OKAY, 1, 2, b"\xff\x02", checksum=True)
    assert packed == (
        b"OKAY" + bytes([1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0]) + b"\xb0\xb4\xbe\xa6"
    )


def test_new_hosts_get_no_checksum() -> None:
    packed = protocol.pack_header(protocol.WRTE, 1, 2, b"data", checksum=False)
    assert packed[16:20] == bytes(4)


@given(U32, U32, st.binary(max_size=64), st.booleans())
def test_headers_come_back(arg0: int, arg1: int, data: bytes, checksum: bool) -> None:
    packed = protocol.pack_header(protocol.OPEN, arg0, arg1, data, checksum=checksum)
    want = protocol.Header(protocol.OPEN, arg0, arg1, len(data))
    assert protocol.unpack_header(packed) == want


def test_bad_magic_and_too_much_are_refused() -> None:
    good = bytearray(protocol.pack_header(protocol.WRTE, 1, 2, b"", checksum=False))
    good[23] ^= 1
    with pytest.raises(protocol.ProtocolError, match="magic"):
        protocol.unpack_header(good)
    magic = protocol.WRTE ^ 0xFFFFFFFF
    huge = protocol.HEADER.pack(protocol.WRTE, 1, 2, protocol.MAX_PAYLOAD + 1, 0, magic)
    with pytest.raises(protocol.ProtocolError, match="payload"):
        protocol.unpack_header(huge)


def test_the_banner_names_the_phone_and_only_what_it_can_do() -> None:
    text = protocol.banner({"ro.product.model": "A;B", "ro.product.name": "n"}).decode()
    assert text.startswith(
        "device::ro.product.name=n;ro.product.model=A_B;ro.product.device=;features="
    )
    features = text.rpartition("features=")[2].split(",")
    assert "shell_v2" in features
    assert not {"delayed_ack", "remount_shell", "track_app"} & set(features)


@pytest.mark.parametrize(
    ("service", "want"),
    [
        ("shell:ls", (False, False, "dumb", "ls")),
        ("shell:", (False, True, "dumb", "")),
        ("shell,raw:", (False, False, "dumb", "")),
        ("shell,v2,TERM=xterm-256color,raw:a:b,c", (True, False, "xterm-256color", "a:b,c")),
        ("shell,v2,TERM=vt100,pty:top", (True, True, "vt100", "top")),
        ("shell,v2:", (True, True, "dumb", "")),
    ],
)
def test_shell_services(service: str, want: tuple[bool, bool, str, str]) -> None:
    assert protocol.parse_shell_service(service) == want


@pytest.mark.parametrize(
    ("data", "want"),
    [
        (b"24x80,0x0\0", (24, 80, 0, 0)),
        (b"50x132,1000x2000", (50, 132, 1000, 2000)),
        (b"24x80", None),
        (b"-1x80,0x0", None),
        (b"70000x80,0x0", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_window_sizes(data: bytes, want: tuple[int, int, int, int] | None) -> None:
    assert protocol.parse_window_size(data) == want
