"""A native library laid out anew, so that phones with memory pages of 16 KB can map it (pure).

A linker lays segments of different rights onto different pages. A library that was linked for pages
of 4 KB can be used with larger ones if its segments happen to lie on different large pages as well,
or if those that share one may be read and written alike: then it is enough to move their content in
the file, so that place in the file and address are congruent, and nothing that the code computes
changes. What shares a large page with code cannot be helped here: that takes a new linking.

Memory that the loader makes read-only after it has relocated it (``PT_GNU_RELRO``) loses that
where it ends within a large page: rounding it up would take the variables behind it too.

Sources: the ELF-64 specification; ``bionic/linker/linker_phdr.cpp`` (what Android checks).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.apk.elf import LARGE_PAGE, is_elf_64

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_PT_NULL, _PT_LOAD, _PT_GNU_RELRO = 0, 1, 0x6474E552
_PF_X, _PF_W = 1, 2
_SHF_ALLOC: Final = 2
_SHT_NOBITS: Final = 8


class NotMovableError(ValueError):
    """A library that cannot be laid out for large pages without linking it anew."""


@dataclass(frozen=True)
class _Segment:
    """A program header: `kind` and `flags` as in the file, sizes and places in bytes."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    align: int

    @property
    def end(self) -> int:
        return self.address + self.memory_size

    def packed(self) -> bytes:
        return _SEGMENT.pack(
            *(self.kind, self.flags, self.offset, self.address, self.physical),
            *(self.file_size, self.memory_size, self.align),
        )


def with_large_pages(library: bytes, page: int = LARGE_PAGE) -> bytes:
    """Return a library whose segments can be mapped with pages of a size.

    One that can be already is returned as it is.

    Args:
        library: A shared library, 64-bit ELF of little endian.
        page: Bytes.

    Raises:
        NotMovableError: Segments of different rights share a page, or it is no such library.
    """
    try:
        return _moved(library, page)
    except struct.error as error:
        raise NotMovableError(f"its headers are cut off: {error}") from error


def _moved(library: bytes, page: int) -> bytes:
    if not is_elf_64(library):
        raise NotMovableError("no 64-bit ELF")
    header = list(_HEADER.unpack_from(library))
    first, size, count = header[5], header[9], header[10]
    segments = [_Segment(*_SEGMENT.unpack_from(library, first + n * size)) for n in range(count)]
    loads = [segment for segment in segments if segment.kind == _PT_LOAD]
    if not loads:
        raise NotMovableError("it has nothing to load")
    if all(load.align % page == 0 for load in loads):
        return library
    if loads[0].offset or loads[0].address % page:
        raise NotMovableError("its headers are not at the begin of its first page")
    merged = _merged(loads, page)
    content = bytearray()
    placed = []
    for load, parts in merged:
        at = len(content) + (load.address - len(content)) % page
        content += bytes(at - len(content))
        content += _content(library, load, parts)
        placed.append(replace(load, offset=at, align=page))
    written = iter(placed)
    heads = [load for load in loads if any(load.address == new.address for new in placed)]
    for number, segment in enumerate(segments):
        if segment.kind == _PT_LOAD:
            new = next(written) if segment in heads else replace(segment, kind=_PT_NULL)
        elif segment.kind == _PT_GNU_RELRO and (segment.address % page or segment.end % page):
            new = replace(segment, kind=_PT_NULL)
        else:
            new = replace(segment, offset=_place(segment.address, segment.offset, placed))
        _SEGMENT.pack_into(content, first + number * size, *_SEGMENT.unpack(new.packed()))
    return bytes(_with_sections(library, content, header, placed))


def _merged(loads: Sequence[_Segment], page: int) -> list[tuple[_Segment, tuple[_Segment, ...]]]:
    """Return the segments to be, each with those that it is made of.

    Raises:
        NotMovableError: Two that cannot be one share a page.
    """
    groups: list[list[_Segment]] = []
    for load in sorted(loads, key=lambda load: load.address):
        before = groups[-1][-1] if groups else None
        if before is None or before.end <= load.address // page * page:
            groups.append([load])
            continue
        if before.flags != load.flags or not load.flags & _PF_W or load.flags & _PF_X:
            raise NotMovableError(
                f"segments of different rights share a page of {page} bytes at {load.address:#x}"
            )
        groups[-1].append(load)
    found = []
    for group in groups:
        last = group[-1]
        found.append(
            (
                replace(
                    group[0],
                    file_size=last.address + last.file_size - group[0].address,
                    memory_size=last.end - group[0].address,
                ),
                tuple(group),
            )
        )
    return found


def _content(library: bytes, load: _Segment, parts: Sequence[_Segment]) -> bytearray:
    """Return what a segment has in the file; between its parts are zeros, as in memory."""
    content = bytearray(load.file_size)
    for part in parts:
        data = library[part.offset : part.offset + part.file_size]
        if len(data) != part.file_size:
            raise NotMovableError("it is cut off")
        at = part.address - load.address
        content[at : at + part.file_size] = data
    return content


def _place(address: int, offset: int, placed: Sequence[_Segment]) -> int:
    """Return where in the new file an address lies; one that is not loaded stays."""
    for load in placed:
        if load.address <= address < load.end:
            return load.offset + address - load.address
    return offset


def _with_sections(
    library: bytes, content: bytearray, header: list[int], placed: Sequence[_Segment]
) -> bytearray:
    """Append what is not loaded, and the section headers with their new places."""
    first, size, count = header[6], header[11], header[12]
    sections = []
    for number in range(count):
        section = list(_SECTION.unpack_from(library, first + number * size))
        kind, flags, address, offset, length, align = (
            section[1], section[2], section[3], section[4], section[5], section[8],
        )  # fmt: skip
        if flags & _SHF_ALLOC:
            section[4] = _place(address, offset, placed)
        elif kind not in (0, _SHT_NOBITS):
            content += bytes(-len(content) % max(align, 1))
            section[4] = len(content)
            content += library[offset : offset + length]
        sections.append(_SECTION.pack(*section))
    if count:
        content += bytes(-len(content) % 8)
        header[6] = len(content)
        content += b"".join(section.ljust(size, b"\0") for section in sections)
    _HEADER.pack_into(content, 0, *header)
    return content
