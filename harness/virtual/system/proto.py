"""Messages as Android's ``dumpsys ... --proto`` prints them.

Source: AOSP ``android.util.proto.ProtoOutputStream``: numbers that are 0 and empty texts are left
out, negative numbers take ten bytes.
"""

from __future__ import annotations


def varint(value: int) -> bytes:
    """Return a number as a varint of 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """Return a field with a number, a truth or an enumerator."""
    return varint(field << 3) + varint(value) if value else b""


def text(field: int, value: str) -> bytes:
    """Return a field with a text."""
    return message(field, value.encode()) if value else b""


def message(field: int, content: bytes) -> bytes:
    """Return a field with a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content
