"""What a recording's container promises, compared with the bytes that are there (no decoding).

A file that was cut while it was copied plays, shorter, in most players. A recorder that writes to
a pipe, or does not count its own header, promises more than it can know. The first is refused, the
second is read: `inspect` tells them apart and says which bytes of the header to read otherwise.

Sources: RIFF, RF64 (EBU Tech 3306), AIFF-C (Apple, 1991), Sun AU, Sony Wave64, CAF (Apple), Ogg
(RFC 3533).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from harness.speech import flac, mp3
from harness.speech.patches import CutError, Patch, PatchedFile

STREAMED_FROM: Final = 0x7F000000
"""A length above this in a shorter file was written before anything was recorded."""
_UNKNOWN: Final = 0xFFFFFFFF


def inspect(file: BinaryIO) -> BinaryIO | None:
    """Compare what a recording's header promises with its length.

    Args:
        file: Open for reading, can seek; any kind of file.

    Returns:
        What to read in its place so that all sound is read; mostly None: it is right as it is.

    Raises:
        CutError: The file ends early.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(16)
    check: Callable[[BinaryIO, int], tuple[Patch, ...]] | None = None
    if head[8:12] == b"WAVE" and head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        check = _wave
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        check = _aiff
    elif head[:4] in (b".snd", b"dns."):
        check = _au
    elif head == _W64_RIFF:
        check = _w64
    elif head[:4] == b"caff":
        check = _caf
    elif head[:4] == b"fLaC":
        check = flac.streamed
    elif head[:4] == b"OggS":
        check = _ogg
    elif head[:3] == b"ID3" or mp3.frame_bytes(head[:4]):
        return mp3.counted(file)
    patches = check(file, size) if check else ()
    return cast("BinaryIO", io.BufferedReader(PatchedFile(file, patches))) if patches else None


# -- chunks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    """Where its content begins."""
    length: int
    """As its header says."""


def _chunks(file: BinaryIO, size: int, order: str, start: int = 12) -> Iterator[_Chunk]:
    """Yield chunks of four letters and a 32-bit length, as RIFF and AIFF have them."""
    place = start
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        yield _Chunk(name, place + 8, length)
        place += 8 + length + length % 2


def _wave(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    file.seek(0)
    kind = file.read(4)
    order = ">" if kind == b"RIFX" else "<"
    long_length: int | None = None
    for chunk in _chunks(file, size, order):
        if chunk.name == b"ds64" and chunk.start + 16 <= size:
            file.seek(chunk.start)
            long_length = struct.unpack("<QQ", file.read(16))[1]
        if chunk.name == b"data":
            there = size - chunk.start
            if chunk.length == _UNKNOWN and long_length not in (None, 0, 2**64 - 1):
                if long_length is not None and long_length > there + chunk.start:
                    raise CutError
                return ()
            return _length_patches(chunk, there, size, order)
    if kind == b"RIFF":
        raise CutError  # it ends before its sound begins
    return ()


def _length_patches(chunk: _Chunk, there: int, size: int, order: str) -> tuple[Patch, ...]:
    """Return how to read the length of a chunk of sound; the outer length follows it."""
    streamed = chunk.length >= STREAMED_FROM or (chunk.length == 0 and there > 0)
    if chunk.length <= there and not streamed:
        return ()
    # some recorders count their header in: what is missing is no longer than that
    if not streamed and chunk.length > there + chunk.start:
        raise CutError
    if chunk.length <= there and chunk.length != 0:
        return ()
    if there > _UNKNOWN:
        return ()
    return (
        Patch(chunk.start - 4, struct.pack(f"{order}I", there)),
        Patch(4, struct.pack(f"{order}I", min(size - 8, _UNKNOWN))),
    )


def _aiff(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    for chunk in _chunks(file, size, ">"):
        if chunk.name == b"SSND":
            if chunk.length > size - chunk.start:
                raise CutError
            return ()
    raise CutError


def _au(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    file.seek(0)
    order = ">" if file.read(4) == b".snd" else "<"
    start, length = struct.unpack(f"{order}II", file.read(8))
    if length != _UNKNOWN and start + length > size:
        raise CutError
    return ()


_W64_RIFF: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA: Final = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def _w64(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    place = 40  # after riff, its length and wave
    while place + 24 <= size:
        file.seek(place)
        name, length = file.read(16), struct.unpack("<Q", file.read(8))[0]
        if name == _W64_DATA:
            if place + length > size and length < 2**62:
                raise CutError
            return ()
        place += max(24, length + -length % 8)
    raise CutError


def _caf(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    place = 8
    while place + 12 <= size:
        file.seek(place)
        name, length = struct.unpack(">4sq", file.read(12))
        if name == b"data":
            if length >= 0 and place + 12 + length > size:
                raise CutError
            return ()
        place += 12 + max(0, length)
    raise CutError


# -- Ogg ------------------------------------------------------------------------------------------

_END_OF_STREAM: Final = 4


def _ogg(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    place = 0
    flags = 0
    while place < size:
        file.seek(place)
        head = file.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            break  # an appended tag, or a cut page
        lengths = file.read(head[26])
        if len(lengths) < head[26] or place + 27 + len(lengths) + sum(lengths) > size:
            raise CutError
        flags = head[5]
        place += 27 + len(lengths) + sum(lengths)
    if not flags & _END_OF_STREAM:
        raise CutError
    return ()
