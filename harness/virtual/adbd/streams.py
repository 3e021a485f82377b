"""One ADB stream: bytes both ways over a connection, with its flow control; the frames of sync."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

_T = TypeVar("_T")
Bytes = bytes | bytearray | memoryview

# A host has one WRTE on its way per stream. It is acknowledged at once while no more than this
# waits here, so that the next one travels while this one is used.
_READ_AHEAD = 4 << 20


class StreamClosed(ConnectionError):  # noqa: N818 - it names a state, as EOFError does
    """The stream has ended: closed by the host, or the cable is gone."""


class Link(Protocol):
    """What a stream needs of its connection."""

    max_payload: int

    def send_okay(self, stream: Stream) -> None:
        """Acknowledge one message."""

    def send_write(self, stream: Stream, parts: tuple[Bytes, ...]) -> None:
        """Send data."""

    def send_close(self, stream: Stream) -> None:
        """End the stream."""


class Stream:
    """One stream of a connection.

    Args:
        link: The connection.
        local_id: Our number for it.
        remote_id: The host's number; 0 until the host has accepted a stream of ours.
    """

    def __init__(self, link: Link, local_id: int, remote_id: int) -> None:
        self.local_id = local_id
        self.remote_id = remote_id
        self._link = link
        self._chunks: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._okay_owed = False
        self._ended = False  # the host closed it, or the cable is gone: nothing more comes
        self._end = asyncio.Event()
        self._closed = False  # we closed it
        self._data = asyncio.Event()
        self._writable = asyncio.Event()
        self._sending = asyncio.Lock()
        self._accepted = False

    @property
    def max_payload(self) -> int:
        """Most bytes of one message."""
        return self._link.max_payload

    @property
    def ended(self) -> bool:
        """Whether the host has closed it, or is gone; what came before can still be read."""
        return self._ended

    @property
    def buffered(self) -> int:
        """Bytes that can be read without waiting."""
        return self._waiting_bytes

    @property
    def accepted(self) -> bool:
        """Whether the host's OPEN has been answered with OKAY."""
        return self._accepted

    def accept(self) -> None:
        """Answer the host's OPEN with OKAY."""
        self._accepted = True
        self._writable.set()
        if not self._ended:
            self._link.send_okay(self)

    # ---- from the connection

    def on_data(self, payload: bytearray) -> None:
        """Take in a WRTE of the host."""
        if self._closed:
            return
        if payload:
            self._chunks.append(memoryview(payload))
            self._waiting_bytes += len(payload)
            self._data.set()
        if self._waiting_bytes <= _READ_AHEAD:
            self._link.send_okay(self)
        else:
            self._okay_owed = True

    def on_okay(self) -> None:
        """Take in an OKAY: our last WRTE has arrived, or our OPEN is accepted."""
        self._accepted = True
        self._writable.set()

    def on_end(self) -> None:
        """Take in the host's CLSE, or the end of the connection."""
        self._ended = True
        self._end.set()
        self._data.set()
        self._writable.set()

    # ---- for services

    async def wait_accepted(self) -> bool:
        """Wait until the host has answered a stream of ours; False if it refused."""
        await self._writable.wait()
        return not self._ended

    async def wait_ended(self) -> None:
        """Wait until the host has closed it, or is gone, however much is still unread."""
        await self._end.wait()

    async def read(self, most: int = 1 << 20) -> memoryview:
        """Return what has come, up to ``most`` bytes; empty at the end."""
        while not self._chunks:
            if self._ended or self._closed:
                return memoryview(b"")
            self._data.clear()
            await self._data.wait()
        return self._take(most)

    def _take(self, most: int) -> memoryview:
        chunk = self._chunks[0]
        if len(chunk) <= most:
            self._chunks.popleft()
        else:
            self._chunks[0] = chunk[most:]
            chunk = chunk[:most]
        self._waiting_bytes -= len(chunk)
        if self._okay_owed and self._waiting_bytes <= _READ_AHEAD and not self._ended:
            self._okay_owed = False
            self._link.send_okay(self)
        return chunk

    async def read_exactly(self, count: int) -> bytes:
        """Return exactly ``count`` bytes.

        Raises:
            StreamClosed: It ended before.
        """
        parts: list[memoryview] = []
        while count:
            part = await self.read(count)
            if not part:
                raise StreamClosed("the stream ended within a message")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    async def write(self, *parts: Bytes) -> None:
        """Send ``parts`` as one run of bytes; returns when the last of it is on its way.

        A buffer given here may be changed once the *next* write has returned: that one waits for
        the host's acknowledgement of this one.

        Raises:
            StreamClosed: It has ended.
        """
        async with self._sending:
            for message in self._messages(parts):
                await self._writable.wait()
                if self._ended or self._closed:
                    raise StreamClosed("the host closed the stream")
                self._writable.clear()
                self._link.send_write(self, message)

    def _messages(self, parts: tuple[Bytes, ...]) -> list[tuple[Bytes, ...]]:
        most = self._link.max_payload
        if sum(len(part) for part in parts) <= most:
            return [parts] if any(len(part) for part in parts) else []
        whole = memoryview(b"".join(parts) if len(parts) > 1 else parts[0])
        return [(whole[start : start + most],) for start in range(0, len(whole), most)]

    def close(self) -> None:
        """End the stream; idempotent."""
        if not self._closed:
            self._closed = True
            self._chunks.clear()
            self._data.set()
            self._writable.set()
            self._link.send_close(self)


# -- frames of sync, on such a stream ----------------------------------------------------------

REQUEST = struct.Struct("<4sI")
"""Verb and length (or, for DONE of a push, the file's time)."""

DATA_BYTES = 64 * 1024
"""Most bytes of one DATA frame (SYNC_DATA_MAX)."""


class SyncError(Exception):
    """A request failed; its text goes to the host."""


def error_text(doing: str, error: OSError) -> SyncError:
    """Return a failure in adbd's words: ``couldn't create file: Permission denied``."""
    return SyncError(f"{doing}: {os.strerror(error.errno or 0)}")


async def fail(stream: Stream, text: str) -> None:
    """Send FAIL."""
    data = text.encode()
    await stream.write(REQUEST.pack(b"FAIL", len(data)), data)


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run file work in a thread; also if cancelled, return only once the thread is done.

    Otherwise the file would be closed under its hands, and the number given to another file.
    """
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
