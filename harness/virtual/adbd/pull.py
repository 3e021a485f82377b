"""Files from the phone to the host (RECV, RCV2)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import partial

from harness.virtual.adbd.streams import Stream
from harness.virtual.adbd.sync_frames import DATA_BYTES, REQUEST, error_text, in_thread
from harness.virtual.phone import PhoneRoot


async def send_file(stream: Stream, root: PhoneRoot, path: str) -> None:
    """Send a file's bytes.

    Raises:
        SyncError: It can't be read.
    """
    try:
        fd = os.open(root.host_path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise error_text("open failed", error) from None
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise error_text("read failed", OSError(errno.EISDIR, ""))
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
