"""How long a FLAC file is that was written to a pipe: its header does not say (RFC 9639)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from harness.speech.patches import Patch

_BLOCK_SIZE: Final = 8
"""Where STREAMINFO says the least and the most samples of a frame, 16 bits each."""
_TOTAL: Final = 21
"""Where the last 36 bits of five bytes begin that say how many samples there are; 0 = unknown."""
_LONGEST_FRAME: Final = 1 << 20


def streamed(file: BinaryIO, size: int) -> tuple[Patch, ...]:
    """Return the length of a FLAC file that does not know it, from its last frame.

    Args:
        file: Open for reading, can seek.
        size: Of the file, in bytes.
    """
    file.seek(0)
    head = file.read(_TOTAL + 5)
    if len(head) < _TOTAL + 5 or head[_TOTAL] & 0x0F or any(head[_TOTAL + 1 :]):
        return ()
    block = int.from_bytes(head[_BLOCK_SIZE + 2 : _BLOCK_SIZE + 4], "big")
    file.seek(max(0, size - _LONGEST_FRAME), io.SEEK_SET)
    tail = file.read()
    place = tail.rfind(b"\xff")
    while place >= 0:
        for total in _ends(tail[place : place + 16], block):
            first = bytes([head[_TOTAL] | total >> 32])
            return (Patch(_TOTAL, first + (total & 0xFFFFFFFF).to_bytes(4, "big")),)
        place = tail.rfind(b"\xff", 0, place)
    return ()


def _ends(header: bytes, block: int) -> Iterator[int]:
    """Yield after how many samples a frame ends, if this is the header of one."""
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[3] & 1:
        return
    size_code, rate_code = header[2] >> 4, header[2] & 0x0F
    if size_code == 0 or rate_code == 15:
        return
    number, used = _coded_number(header[4:])
    after = 4 + used
    extra = {6: 1, 7: 2}.get(size_code, 0)
    samples = _samples(size_code, header[after : after + extra])
    after += extra + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if used and after < len(header) and _crc8(header[:after]) == header[after]:
        variable = header[1] & 1
        total = (number if variable else number * block) + samples
        if total < 1 << 36:
            yield total


def _samples(code: int, extra: bytes) -> int:
    if extra:
        return int.from_bytes(extra, "big") + 1
    if code == 1:
        return 192
    return 576 << (code - 2) if code <= 5 else 256 << (code - 8)


def _coded_number(data: bytes) -> tuple[int, int]:
    """Return a number that is written like a character in UTF-8, and its bytes (0: it is none)."""
    first = data[0]
    if first < 0x80:
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or len(data) < length:
        return 0, 0
    number = first & (0x7F >> length)
    for byte in data[1:length]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, length


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
