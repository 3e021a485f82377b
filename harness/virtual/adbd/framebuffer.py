"""The service ``framebuffer:``: a head of numbers, then the screen's raw pixels.

Source: AOSP packages/modules/adb, ``daemon/framebuffer_service.cpp``. As adbd, it has ``screencap``
take the picture, which on a virtual phone is black.
"""

from __future__ import annotations

import asyncio
import struct

from harness.virtual.adbd.streams import Stream
from harness.virtual.phone import PhoneRoot

_COLOUR_SPACE_SDK = 28
"""From this API level on ``screencap`` and adbd say the colour space too."""
_CHUNK = 1 << 18


# The one format of a virtual phone's ``screencap`` (HAL_PIXEL_FORMAT_RGBA_8888), and what ``struct
# fbinfo`` says of it: where the bits of red, blue, green and alpha begin, and how many there are.
_RGBA_8888 = 1
_BITS = 32
_PLACES = (0, 8, 16, 8, 8, 8, 24, 8)


def head(width: int, height: int, *colour_space: int) -> bytes:
    """Return what goes before the pixels: version 2 with a colour space, else version 1."""
    version = 2 if colour_space else 1
    size = width * height * _BITS // 8
    numbers = (version, _BITS, *colour_space, size, width, height, *_PLACES)
    return struct.pack(f"<{len(numbers)}I", *numbers)


async def serve_framebuffer(stream: Stream, root: PhoneRoot) -> None:
    """Send one picture; a phone whose ``screencap`` gives none of that format sends nothing."""
    stream.accept()
    sdk = int(root.spec.properties.get("ro.build.version.sdk", "0"))
    taken = struct.Struct("<4I" if sdk >= _COLOUR_SPACE_SDK else "<3I")
    nothing = asyncio.subprocess.DEVNULL
    process = await root.spawn(["screencap"], stdin=nothing, stderr=nothing)
    assert process.stdout is not None
    try:
        numbers = taken.unpack(await process.stdout.readexactly(taken.size))
        width, height, pixel_format, *colour_space = numbers
        if pixel_format != _RGBA_8888:
            return
        await stream.write(head(width, height, *colour_space))
        while data := await process.stdout.read(_CHUNK):
            await stream.write(data)
    except asyncio.IncompleteReadError:
        return
    finally:
        process.hang_up()
