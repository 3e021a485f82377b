"""Reading class names out of a dex file that is put together here."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.apk.dex import class_names


def dex(*descriptors: str) -> bytes:
    """A dex file with nothing but its class definitions."""
    header = 112
    strings = header
    types = strings + 4 * len(descriptors)
    classes = types + 4 * len(descriptors)
    data = classes + 32 * len(descriptors)
    offsets, texts = [], b""
    for text in descriptors:
        offsets.append(data + len(texts))
        # lengths from 128 on take two bytes
        size = bytes([len(text)]) if len(text) < 128 else bytes([len(text) % 128 | 128, 1])
        texts += size + text.encode() + b"\0"
    head = bytearray(header)
    head[:8] = b"dex\n038\0"
    struct.pack_into("<II", head, 56, len(descriptors), strings)
    struct.pack_into("<II", head, 64, len(descriptors), types)
    struct.pack_into("<II", head, 96, len(descriptors), classes)
    numbers = range(len(descriptors))
    return (
        bytes(head)
        + b"".join(struct.pack("<I", offset) for offset in offsets)
        + b"".join(struct.pack("<I", number) for number in numbers)
        + b"".join(struct.pack("<8I", number, *[0] * 7) for number in numbers)
        + texts
    )


def test_names_are_those_of_java():
    long = "Lorg/" + "a" * 150 + ";"
    assert class_names(dex("Lb/B;", "La/b/C$1;", long)) == ["a.b.C$1", "b.B", "org." + "a" * 150]


def test_what_is_no_dex_is_refused():
    for content in (b"", b"dex\n038\0", b"PK\3\4" + bytes(200)):
        with pytest.raises(ValueError, match="dex"):
            class_names(content)


@given(st.data())
def test_a_damaged_file_is_an_error_or_names(data):
    content = bytearray(dex("Lb/B;", "La/b/C$1;"))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = content[: data.draw(st.integers(0, len(content)))]
    try:
        names = class_names(bytes(cut))
    except ValueError:
        return
    assert all(isinstance(name, str) for name in names)
