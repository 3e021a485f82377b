"""Frames of the ADB transport and of the shell protocol, as bytes and back; no I/O.

Source: AOSP packages/modules/adb, ``protocol.txt``, ``adb.h`` and ``shell_protocol.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

VERSION = 0x01000001
"""Both sides at this version or above leave the checksum out."""

OLD_VERSION = 0x01000000
MAX_PAYLOAD = 1 << 20

HEADER = struct.Struct("<6I")

# What this adbd really does, since a host uses whatever is promised. Left out: delayed_ack (one
# WRTE a stream is on its way at a time), remount_shell, track_app, openscreen_mdns.
FEATURES = (
    "shell_v2",
    "cmd",
    "stat_v2",
    "ls_v2",
    "fixed_push_mkdir",
    "fixed_push_symlink_timestamp",
    "apex",
    "abb",
    "abb_exec",
    "sendrecv_v2",
    "sendrecv_v2_brotli",
    "sendrecv_v2_lz4",
    "sendrecv_v2_zstd",
    "sendrecv_v2_dry_run_send",
)


def _command(name: bytes) -> int:
    return int.from_bytes(name, "little")


CNXN = _command(b"CNXN")
AUTH = _command(b"AUTH")
OPEN = _command(b"OPEN")
OKAY = _command(b"OKAY")
CLSE = _command(b"CLSE")
WRTE = _command(b"WRTE")

AUTH_TOKEN = 1
TOKEN_BYTES = 20


class ProtocolError(Exception):
    """The other side sent what is no ADB."""


class Header(NamedTuple):
    """Head of one message: command, its two arguments, and how many bytes follow."""

    command: int
    arg0: int
    arg1: int
    length: int


def pack_header(
    command: int, arg0: int, arg1: int, payload: bytes | bytearray | memoryview, *, checksum: bool
) -> bytes:
    """Return the 24 bytes before ``payload``."""
    total = sum(payload) & 0xFFFFFFFF if checksum else 0
    return HEADER.pack(command, arg0, arg1, len(payload), total, command ^ 0xFFFFFFFF)


def unpack_header(data: bytes | bytearray | memoryview) -> Header:
    """Return what 24 bytes say.

    Raises:
        ProtocolError: The magic number is wrong, or more is announced than was agreed.
    """
    command, arg0, arg1, length, _, magic = HEADER.unpack(data)
    if magic != command ^ 0xFFFFFFFF:
        raise ProtocolError(f"bad magic {magic:#010x} for command {command:#010x}")
    if length > MAX_PAYLOAD:
        raise ProtocolError(f"payload of {length} bytes, {MAX_PAYLOAD} is the most")
    return Header(command, arg0, arg1, length)


def banner(properties: Mapping[str, str]) -> bytes:
    """Return the identity a phone sends in CNXN; ``adb devices -l`` shows its three names."""
    names = ("ro.product.name", "ro.product.model", "ro.product.device")
    # a semicolon would end the value early
    fields = [f"{name}={properties.get(name, '').replace(';', '_')}" for name in names]
    fields.append("features=" + ",".join(FEATURES))
    return ("device::" + ";".join(fields)).encode()


# Shell protocol: u8 id, u32 length, data.
SHELL_HEADER = struct.Struct("<BI")
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN, WINDOW_SIZE = range(6)


class ShellService(NamedTuple):
    """What ``shell,v2,pty,TERM=x:command`` asks for."""

    protocol: bool
    terminal: bool
    term: str
    command: str


def parse_shell_service(service: str) -> ShellService:
    """Take a ``shell`` service apart.

    Without ``pty`` or ``raw`` an empty command means a terminal (AOSP ``ShellService``).
    """
    head, _, command = service.partition(":")
    arguments = head.split(",")[1:]
    terminal = "pty" in arguments or (not command and "raw" not in arguments)
    term = next((a.removeprefix("TERM=") for a in arguments if a.startswith("TERM=")), "dumb")
    return ShellService("v2" in arguments, terminal, term, command)


def parse_window_size(data: bytes) -> tuple[int, int, int, int] | None:
    """Return rows, columns, x and y pixels of ``24x80,0x0``; None for anything else."""
    try:
        cells, pixels = data.rstrip(b"\0").decode("ascii").split(",")
        rows, columns = (int(number) for number in cells.split("x"))
        x_pixels, y_pixels = (int(number) for number in pixels.split("x"))
    except ValueError:
        return None
    values = (rows, columns, x_pixels, y_pixels)
    return values if all(0 <= value <= 0xFFFF for value in values) else None
