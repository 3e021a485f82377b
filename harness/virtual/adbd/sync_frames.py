"""What push, pull and the rest of sync have in common: frames, and how a failure is told."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from typing import TypeVar

from harness.virtual.adbd.streams import Stream

_T = TypeVar("_T")

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
