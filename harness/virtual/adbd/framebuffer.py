"""The service ``framebuffer:``: a head of numbers, then the screen's raw pixels.

Source: AOSP packages/modules/adb, ``daemon/framebuffer_service.cpp``. As adbd, it has ``screencap``
take the picture, which on a virtual phone is black.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from harness.virtual.adbd.streams import Stream
from harness.virtual.phone import PhoneRoot

_COLOUR_SPACE_SDK = 28
"""From this API level on ``screencap`` and adbd say the colour space too."""
_CHUNK = 1 << 18


@dataclass(frozen=True)
class PixelFormat:
    """How a pixel lies in memory: bits, and where each colour's bits begin and how many there are.

    The order is that of ``struct fbinfo``: red, blue, green, alpha.
    """

    red: tuple[int, int]
    blue: tuple[int, int]
    green: tuple[int, int]
    alpha: tuple[int, int]

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """The four in their order."""
        return self.red, self.blue, self.green, self.alpha

    @property
    def bits(self) -> int:
        """Bits of a pixel in memory."""
        used = max(start + length for start, length in self.places)
        return 8 * ((used + 7) // 8)


# Keys are Android's ``HAL_PIXEL_FORMAT``; RGBX leaves its last byte unused.
FORMATS = {
    1: PixelFormat((0, 8), (16, 8), (8, 8), (24, 8)),
    2: PixelFormat((0, 8), (16, 8), (8, 8), (24, 8)),
    3: PixelFormat((0, 8), (16, 8), (8, 8), (24, 0)),
    4: PixelFormat((11, 5), (0, 5), (5, 6), (0, 0)),
    5: PixelFormat((16, 8), (0, 8), (8, 8), (24, 8)),
}


def head(width: int, height: int, format_number: int, *colour_space: int) -> bytes:
    """Return what goes before the pixels: version 2 with a colour space, else version 1.

    Raises:
        KeyError: A format that adbd does not know either.
    """
    pixel = FORMATS[format_number]
    size = width * height * pixel.bits // 8
    places = [number for place in pixel.places for number in place]
    version = 2 if colour_space else 1
    numbers = [version, pixel.bits, *colour_space, size, width, height, *places]
    return struct.pack(f"<{len(numbers)}I", *numbers)


async def serve_framebuffer(stream: Stream, root: PhoneRoot) -> None:
    """Send one picture; a phone whose ``screencap`` gives none sends nothing."""
    stream.accept()
    sdk = int(root.spec.properties.get("ro.build.version.sdk", "0"))
    taken = struct.Struct("<4I" if sdk >= _COLOUR_SPACE_SDK else "<3I")
    process = await root.spawn(["screencap"], stdin=asyncio.subprocess.DEVNULL, stderr=None)
    assert process.stdout is not None
    try:
        numbers = taken.unpack(await process.stdout.readexactly(taken.size))
        await stream.write(head(*numbers))
        while data := await process.stdout.read(_CHUNK):
            await stream.write(data)
    except (asyncio.IncompleteReadError, KeyError):
        return
    finally:
        process.hang_up()
