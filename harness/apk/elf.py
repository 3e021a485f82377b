"""Native libraries of an APK, and whether a phone with large memory pages can load them (pure).

Phones with pages of 16 KB (Android 15 and later, 64 bit) map a library only if its segments are
aligned to that. Sources: the ELF specification (program headers), and Android's "Support 16 KB page
sizes".
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

LARGE_PAGE = 16_384
"""Bytes."""
_ABIS_64 = ("arm64-v8a", "x86_64")
"""Those with which a phone may have large pages."""
_LIBRARY = re.compile(r"lib/([^/]+)/([^/]+\.so)")
_PT_LOAD = 1
_MAGIC_64_LITTLE = b"\x7fELF\x02\x01"


def is_elf_64(library: bytes) -> bool:
    """Say whether it is a 64-bit ELF of little endian, as all of Android's are."""
    return library.startswith(_MAGIC_64_LITTLE)


def load_alignment(library: bytes) -> int | None:
    """Return the least alignment of a library's segments, bytes; None if it is no 64-bit ELF."""
    if not is_elf_64(library):
        return None
    try:
        (first,) = struct.unpack_from("<Q", library, 32)  # e_phoff
        size, count = struct.unpack_from("<HH", library, 54)  # e_phentsize, e_phnum
        segments = [first + number * size for number in range(count)]
        return min(
            (
                struct.unpack_from("<Q", library, segment + 48)[0]  # p_align
                for segment in segments
                if struct.unpack_from("<I", library, segment)[0] == _PT_LOAD
            ),
            default=None,
        )
    except struct.error:
        return None


def page_problems(apk: Path, abis: Sequence[str] = _ABIS_64) -> tuple[str, ...]:
    """Return what of an APK a phone with pages of 16 KB cannot load; nothing if it can all.

    Args:
        apk: The file.
        abis: Of these only; those of 32 bits have no large pages.

    Raises:
        OSError: The file cannot be read.
        zipfile.BadZipFile: It is no APK.
    """
    problems = []
    with zipfile.ZipFile(apk) as opened:
        for name in sorted(opened.namelist()):
            match = _LIBRARY.fullmatch(name)
            if match is None or match[1] not in _ABIS_64 or match[1] not in abis:
                continue
            alignment = load_alignment(opened.read(name))
            if alignment is None:
                problems.append(f"{name} is no 64-bit library that can be read")
            elif alignment % LARGE_PAGE:
                problems.append(f"{name} is aligned to {alignment} bytes")
    return tuple(problems)
