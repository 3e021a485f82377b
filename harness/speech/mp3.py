"""MP3 files: how many frames there are, and whether the last one is whole (no decoding).

Sources: ISO/IEC 11172-3 and 13818-3 (frames), the Xing/Info and VBRI headers as LAME writes them.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from harness.speech.patches import CutError

_ROOMY: Final = 0xA0
"""The tenth bit rate: 160 kbit/s, of later MPEG versions 96."""
_BIT_RATES: Final = {  # kbit/s by (MPEG 1 or later, layer)
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}


def frame_bytes(head: bytes) -> int:
    """Return the length of the frame that a header of four bytes begins; 0 if it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_index, rate_kind, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate_index in (0, 15) or rate_kind == 3:
        return 0
    bits = 1000 * _BIT_RATES[1 if version == 3 else 2, layer][rate_index - 1]
    rate = _RATES[version][rate_kind]
    if layer == 1:
        return (12 * bits // rate + padding) * 4
    per_frame = 144 if layer == 2 or version == 3 else 72
    return per_frame * bits // rate + padding


def counted(file: BinaryIO) -> BinaryIO | None:
    """Count the frames of an MP3 file.

    Args:
        file: Open for reading, can seek.

    Returns:
        None if it says how many there are; else the file with a frame before it that does:
        decoders guess at the length of such a file, and stop there.

    Raises:
        CutError: It ends within a frame, or has fewer frames than it says.
    """
    file.seek(0)
    data = file.read()
    size, start = len(data), _id3_bytes(data)
    place = start
    frames, promised = 0, None
    first = b""
    while place + 4 <= size:
        length = frame_bytes(data[place : place + 4])
        if not length:
            if _is_trailer(data, place):
                break
            following = _next_frame(data, place + 1)
            if following is None:
                break
            place = following
            continue
        if place + length > size:
            raise CutError
        if frames == 0:
            first = data[place : place + length]
            promised = _promised_frames(first)
        frames += 1
        place += length
    # the frame with the promise is not counted in it, by most encoders
    if promised is not None and frames < promised:
        raise CutError
    if promised is not None or not first or 4 - (first[1] >> 1 & 3) != 3:
        return None
    return io.BytesIO(_counting_frame(first, frames) + data[start:])


def _counting_frame(first: bytes, frames: int) -> bytes:
    """Return a frame like ``first``, silent, that says how many follow (Xing)."""
    mpeg1, mono = first[1] >> 3 & 3 == 3, first[3] >> 6 == 3
    # no checksum, and a bit rate that leaves room
    head = bytes([0xFF, first[1] | 1, _ROOMY | first[2] & 0x0C, first[3]])
    side = (17 if mono else 32) if mpeg1 else (9 if mono else 17)
    body = bytes(side) + b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return (head + body).ljust(frame_bytes(head), b"\0")


def _id3_bytes(data: bytes) -> int:
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    length = 0
    for byte in data[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length + (10 if data[5] & 0x10 else 0)


def _is_trailer(data: bytes, place: int) -> bool:
    return data[place : place + 3] == b"TAG" or data[place : place + 8] in (
        b"APETAGEX",
        b"LYRICSBE",
    )


def _next_frame(data: bytes, start: int) -> int | None:
    """Return where a frame begins that another one follows; encoders leave gaps."""
    place = data.find(b"\xff", start)
    while place >= 0:
        length = frame_bytes(data[place : place + 4])
        if length and frame_bytes(data[place + length : place + length + 4]):
            return place
        place = data.find(b"\xff", place + 1)
    return None


def _promised_frames(frame: bytes) -> int | None:
    for mark in (b"Xing", b"Info"):
        place = frame.find(mark, 4, 64)
        if place >= 0 and place + 12 <= len(frame) and frame[place + 7] & 1:
            return int.from_bytes(frame[place + 8 : place + 12], "big")
    place = frame.find(b"VBRI", 4, 64)
    if place >= 0 and place + 18 <= len(frame):
        return int.from_bytes(frame[place + 14 : place + 18], "big")
    return None
