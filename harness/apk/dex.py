"""The classes in a ``classes.dex``.

Source: AOSP, "Dalvik executable format", versions 035 to 039.
"""

from __future__ import annotations

import struct

_MAGIC = b"dex\n03"
_HEADER_BYTES = 112
_CLASS_DEF_BYTES = 32


def class_names(dex: bytes) -> list[str]:
    """Return the names of the classes that a dex file defines, as ``org.example.Name``, sorted.

    Raises:
        ValueError: Not a dex file, or a damaged one.
    """
    if len(dex) < _HEADER_BYTES or not dex.startswith(_MAGIC):
        raise ValueError("not a dex file")
    try:
        (strings,) = struct.unpack_from("<I", dex, 60)
        (types,) = struct.unpack_from("<I", dex, 68)
        count, classes = struct.unpack_from("<II", dex, 96)
        if classes + count * _CLASS_DEF_BYTES > len(dex):
            raise ValueError("the dex file is cut off")
        names = []
        for number in range(count):
            (type_index,) = struct.unpack_from("<I", dex, classes + number * _CLASS_DEF_BYTES)
            (string_index,) = struct.unpack_from("<I", dex, types + 4 * type_index)
            (offset,) = struct.unpack_from("<I", dex, strings + 4 * string_index)
            names.append(_descriptor(dex, offset))
    except struct.error as error:
        raise ValueError("the dex file is damaged") from error
    return sorted(names)


def _descriptor(dex: bytes, offset: int) -> str:
    """Return ``Lorg/example/Name;`` at ``offset`` as ``org.example.Name``."""
    while offset < len(dex) and dex[offset] & 0x80:  # the length, a ULEB128
        offset += 1
    start = offset + 1
    end = dex.find(b"\0", start)
    if end < 0:
        raise ValueError("the dex file is cut off")
    text = dex[start:end].decode("utf-8", "replace")
    return text.removeprefix("L").removesuffix(";").replace("/", ".")
