"""A library laid out for pages of 16 KB: in memory it is the same, byte for byte."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.apk.elf import load_alignment
from harness.apk.large_pages import NotMovableError, with_large_pages

NULL, LOAD, DYNAMIC, RELRO = 0, 1, 2, 0x6474E552
READ, CODE, DATA = 4, 5, 6
SMALL, LARGE = 4096, 16384
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")


@dataclass(frozen=True)
class Part:
    """A segment to be: where it lies in memory, and how long it is in the file and there."""

    address: int
    file: int
    flags: int = DATA
    bss: int = 0


def library(*parts: Part, relro: tuple[int, int] | None = None) -> bytes:
    """Link parts for pages of 4 KB, as lld does; with a dynamic segment and sections."""
    heads: list[tuple[int, ...]] = []
    content = bytearray()
    sections = [SECTION.pack(*(0,) * 10)]
    for number, part in enumerate(parts):
        at = len(content) + (part.address - len(content)) % SMALL if number else 0
        content += bytes(at - len(content))
        content += bytes((number * 37 + n * 11) % 251 for n in range(part.file))
        sizes = (part.file, part.file + part.bss, SMALL)
        heads.append((LOAD, part.flags, at, part.address, part.address, *sizes))
        sections.append(SECTION.pack(1, 1, 2, part.address, at, part.file, 0, 0, 8, 0))
    last = heads[-1]
    heads.append((DYNAMIC, DATA, last[2] + 16, last[3] + 16, last[3] + 16, 32, 32, 8))
    if relro is not None:
        heads.append((RELRO, READ, 0, relro[0], relro[0], relro[1], relro[1], 1))
    sections.append(SECTION.pack(9, 1, 0, 0, len(content), 5, 0, 0, 1, 0))
    content += b"words"
    table = len(content)
    content += b"".join(sections)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    counts = (64, 56, len(heads), 64, len(sections), 0)
    content[:64] = identity + struct.pack("<HHIQQQIHHHHHH", 3, 183, 1, 0, 64, table, 0, *counts)
    for number, head in enumerate(heads):
        SEGMENT.pack_into(content, 64 + 56 * number, *head)
    return bytes(content)


def heads_of(data: bytes) -> list[tuple[int, ...]]:
    (count,) = struct.unpack_from("<H", data, 56)
    return [SEGMENT.unpack_from(data, 64 + 56 * number) for number in range(count)]


def mapped(data: bytes, page: int) -> dict[int, tuple[bytes, int]]:
    """Map a library as a loader does; return each small page's bytes and rights by address."""
    memory: dict[int, tuple[bytes, int]] = {}
    for kind, flags, offset, address, _, file, size, align in heads_of(data):
        if kind != LOAD:
            continue
        assert align % page == 0
        assert offset % page == address % page
        begin = address // page * page
        end = -(-(address + size) // page) * page
        whole = bytearray(end - begin)
        lead = address - begin
        taken = data[offset - lead : offset + file] if flags & 2 else data[offset - lead :]
        taken = taken[: len(whole)]
        whole[: len(taken)] = taken
        for at in range(begin, end, SMALL):
            piece = bytes(whole[at - begin : at - begin + SMALL])
            assert memory.get(at, (b"", flags))[1] == flags, "rights of a page are one"
            memory[at] = (piece, flags)
    return memory


def told(data: bytes, memory: dict[int, tuple[bytes, int]], parts: tuple[Part, ...]) -> None:
    """Check that memory has the parts' bytes, zeros behind them, and their rights."""
    for number, part in enumerate(parts):
        wanted = bytearray((number * 37 + n * 11) % 251 for n in range(part.file))
        for n in range(0 if number else 64 + 56 * len(heads_of(data)), part.file, 97):
            piece, flags = memory[(part.address + n) // SMALL * SMALL]
            assert piece[(part.address + n) % SMALL] == wanted[n], (number, n)
            assert flags == part.flags
        for n in range(part.file, part.file + part.bss, 97):
            piece, _ = memory[(part.address + n) // SMALL * SMALL]
            assert piece[(part.address + n) % SMALL] == 0


LIKE_TENSORFLOW = (Part(0, 0x3E90, CODE), Part(0x4000, 0x1378), Part(0x6378, 0x1B80, DATA, 0x9C60))


WHOLE = library(*LIKE_TENSORFLOW)


def test_data_that_share_a_page_become_one_segment() -> None:
    old = library(*LIKE_TENSORFLOW, relro=(0x4000, 0x2000))
    new = with_large_pages(old)
    assert load_alignment(old) == SMALL
    assert load_alignment(new) == LARGE
    told(new, mapped(new, LARGE), LIKE_TENSORFLOW)
    kinds = [head[0] for head in heads_of(new)]
    assert kinds == [LOAD, LOAD, NULL, DYNAMIC, NULL], "read-only memory would take variables too"
    dynamic = heads_of(new)[3]
    assert dynamic[2] == 0x6378 + 16 == dynamic[3]
    (table,) = struct.unpack_from("<Q", new, 40)
    for number, part in enumerate(LIKE_TENSORFLOW, 1):
        section = SECTION.unpack_from(new, table + 64 * number)
        assert (
            new[section[4] + 128 : section[4] + 140]
            == bytes(((number - 1) * 37 + n * 11) % 251 for n in range(128, 140))
            or number == 1
        )
        assert section[3] == part.address
    words = SECTION.unpack_from(new, table + 64 * 4)
    assert new[words[4] : words[4] + 5] == b"words"
    assert with_large_pages(new) == new


def test_memory_that_ends_with_a_page_stays_read_only() -> None:
    parts = (Part(0, 0x1000, CODE), Part(0x4000, 0x4000), Part(0x8000, 0x100))
    new = with_large_pages(library(*parts, relro=(0x4000, 0x4000)))
    assert [head[0] for head in heads_of(new)][-1] == RELRO


@pytest.mark.parametrize(
    "parts",
    [
        (Part(0, 0x1000, CODE), Part(0x2000, 0x1000)),
        (Part(0, 0x5000, CODE), Part(0x7FFF, 0x10)),
        (Part(0, 0x1000, READ), Part(0x1000, 0x1000, CODE)),
    ],
)
def test_code_and_data_in_one_page_take_a_linker(parts: tuple[Part, ...]) -> None:
    with pytest.raises(NotMovableError, match="share a page of 16384"):
        with_large_pages(library(*parts))


@given(st.data())
def test_any_library_is_the_same_in_memory_or_refused(data: st.DataObject) -> None:
    parts = [Part(0, data.draw(st.integers(700, 9000)), CODE)]
    for _ in range(data.draw(st.integers(1, 4))):
        before = parts[-1].address + parts[-1].file + parts[-1].bss
        gap = data.draw(st.integers(0, 20_000))
        page = -(-(before + gap) // SMALL) * SMALL
        parts.append(
            Part(
                page + data.draw(st.integers(0, SMALL - 1)),
                data.draw(st.integers(1, 9000)),
                data.draw(st.sampled_from([READ, CODE, DATA, DATA])),
            )
        )
    parts[-1] = Part(parts[-1].address, parts[-1].file, DATA, data.draw(st.integers(0, 20_000)))
    try:
        new = with_large_pages(library(*parts))
    except NotMovableError:
        return
    told(new, mapped(new, LARGE), tuple(parts))


@given(st.binary(max_size=300))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(NotMovableError):
        with_large_pages(data)
    whole = WHOLE
    for cut in (70, 100, 300, 0x5000):
        with pytest.raises(NotMovableError):
            with_large_pages(whole[:cut] + data[:3])
