"""Writing protocol buffers' wire format, as much as traces and virtual phones take of it (pure).

Written by hand, so that neither needs a library of a version of its own; the tests read traces back
with Perfetto's own classes. Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

import struct

_VARINT, _FIXED64, _LENGTH = 0, 1, 2


def varint(value: int) -> bytes:
    """Return an unsigned number in groups of seven bits, the lowest first.

    Raises:
        ValueError: It is negative.
    """
    if value < 0:
        raise ValueError(f"{value} is negative")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """Return an unsigned or an enumeration's field."""
    return varint(field << 3 | _VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """Return a field of type double."""
    return varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def text(field: int, value: str) -> bytes:
    """Return a field of type string."""
    return message(field, value.encode("utf-8", "replace"))


def message(field: int, content: bytes) -> bytes:
    """Return a field that is a message (or bytes) of its own."""
    return varint(field << 3 | _LENGTH) + varint(len(content)) + content
