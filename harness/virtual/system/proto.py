"""Fields of messages as ``dumpsys ... --proto`` prints them.

Source: AOSP ``android.util.proto.ProtoOutputStream``: numbers that are 0 and empty texts are left
out, negative numbers take ten bytes.
"""

from __future__ import annotations

from harness import protobuf

_64_BITS = (1 << 64) - 1


def proto_number(field: int, value: int) -> bytes:
    """Return a field with a number, a truth or an enumerator."""
    return protobuf.number(field, value & _64_BITS) if value else b""


def proto_text(field: int, value: str) -> bytes:
    """Return a field with a text."""
    return protobuf.text(field, value) if value else b""
