"""Files from the phone to the host (RECV, RCV2)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import partial

from harness.virtual.adbd.compression import Packer
from harness.virtual.adbd.permissions import path_to_read
from harness.virtual.adbd.streams import DATA_BYTES, REQUEST, Stream, error_text, in_thread
from harness.virtual.phone import PhoneRoot

_PACK_BYTES = 1 << 20


async def send_file(stream: Stream, root: PhoneRoot, path: str) -> None:
    """Send a file's bytes.

    Raises:
        SyncError: It can't be read.
    """
    fd = _open(root, path)
    try:
        # two buffers: one is read into while the other is on its way
        buffers = [_Frames(stream.max_payload) for _ in range(2)]
        turn = 0
        while True:
            frames = buffers[turn]
            try:
                filled = await in_thread(partial(frames.fill, fd))
            except OSError as error:
                raise error_text("read failed", error) from None
            if not filled:
                break
            await stream.write(filled)
            turn ^= 1
        await stream.write(REQUEST.pack(b"DONE", 0))
    finally:
        with contextlib.suppress(OSError):
            os.close(fd)


async def send_packed(stream: Stream, root: PhoneRoot, path: str, packer: Packer) -> None:
    """Send a file's bytes, packed.

    Raises:
        SyncError: It can't be read.
    """
    fd = _open(root, path)
    try:
        while True:
            try:
                data, packed = await in_thread(partial(_read_packed, fd, packer))
            except OSError as error:
                raise error_text("read failed", error) from None
            await _send_frames(stream, packed)
            if not data:
                break
        await stream.write(REQUEST.pack(b"DONE", 0))
    finally:
        with contextlib.suppress(OSError):
            os.close(fd)


def _read_packed(fd: int, packer: Packer) -> tuple[int, bytes]:
    """Read what comes next; return its size and what to send, at the end the packer's rest."""
    data = os.read(fd, _PACK_BYTES)
    return len(data), packer.pack(data) if data else packer.finish()


async def _send_frames(stream: Stream, data: bytes) -> None:
    size = min(DATA_BYTES, stream.max_payload - REQUEST.size)
    for start in range(0, len(data), size):
        part = data[start : start + size]
        await stream.write(REQUEST.pack(b"DATA", len(part)), part)


def _open(root: PhoneRoot, path: str) -> int:
    """Open a file for reading; the descriptor is the caller's.

    Raises:
        SyncError: It can't be read.
    """
    try:
        fd = os.open(
            path_to_read(root, path, content=True), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        )
    except OSError as error:
        raise error_text("open failed", error) from None
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise error_text("read failed", OSError(errno.EISDIR, ""))
    return fd


class _Frames:
    """One message full of DATA frames, their heads already written.

    Args:
        message_bytes: Size of the message.
    """

    def __init__(self, message_bytes: int) -> None:
        head = REQUEST.size
        data = min(DATA_BYTES, message_bytes - head)
        count = message_bytes // (head + data)
        self._data_bytes = data
        self._buffer = bytearray(count * (head + data))
        self._whole = memoryview(self._buffer)
        starts = range(0, len(self._buffer), head + data)
        self._bodies = [self._whole[start + head : start + head + data] for start in starts]
        for start in starts:
            REQUEST.pack_into(self._buffer, start, b"DATA", data)
        self._last_partial: int | None = None

    def fill(self, fd: int) -> memoryview:
        """Read what comes next of ``fd`` (one call for all frames); empty at the file's end."""
        if self._last_partial is not None:  # a short read left a short head
            REQUEST.pack_into(self._buffer, self._last_partial, b"DATA", self._data_bytes)
            self._last_partial = None
        count = os.readv(fd, self._bodies)
        full, rest = divmod(count, self._data_bytes)
        size = full * (REQUEST.size + self._data_bytes)
        if rest:
            REQUEST.pack_into(self._buffer, size, b"DATA", rest)
            self._last_partial = size
            size += REQUEST.size + rest
        return self._whole[:size]
