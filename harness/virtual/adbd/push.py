"""Files from the host to the phone (SEND, SND2)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.virtual.adbd.compression import BrokenStream, Unpacker
from harness.virtual.adbd.permissions import check_write, is_sink
from harness.virtual.adbd.streams import (
    DATA_BYTES,
    REQUEST,
    Stream,
    StreamClosed,
    SyncError,
    error_text,
    fail,
    in_thread,
)
from harness.virtual.phone import Faults, PhoneRoot

# From here on a write goes to a thread: the disk may make it wait, and other phones share the loop.
_THREAD_FROM_BYTES = 1 << 17
_GATHER_BYTES = 1 << 20

_T = TypeVar("_T")


async def receive_file(
    stream: Stream,
    root: PhoneRoot,
    faults: Faults,
    path: str,
    mode: int,
    *,
    dry_run: bool = False,
    unpacker: Unpacker | None = None,
) -> None:
    """Take a file (or, by its mode, a link) from the host and answer OKAY.

    After a failure the host is told at once and what it still sends is thrown away up to DONE:
    closing instead would lose the message with hosts that write without reading.

    Raises:
        SyncError: The host sent what is no push; nothing was read further.
    """
    faults.happened["push"] += 1
    target: _Target = _Nothing()
    try:
        if not dry_run:
            target = _open_target(root, faults, path, mode)
        mtime = await _copy(stream, target, unpacker, faults)
        target.finish(mtime)
    except SyncError as error:
        target.discard()
        await fail(stream, str(error))
        await _drain(stream)
        return
    except BaseException:  # the cable went, or we are stopped: half a file is no file
        target.discard()
        raise
    await stream.write(REQUEST.pack(b"OKAY", 0))


async def _copy(stream: Stream, target: _Target, unpacker: Unpacker | None, faults: Faults) -> int:
    """Write all DATA to the target; return the time that DONE carries."""
    while True:
        verb, length = REQUEST.unpack(await stream.read_exactly(REQUEST.size))
        if verb == b"DONE":
            if unpacker is not None:
                _unpacked(unpacker.finish)
            await target.flush()
            return int(length)
        if verb != b"DATA":
            raise SyncError(f"invalid data message {verb!r}")
        if length > DATA_BYTES:
            raise SyncError("oversize data message")
        while length:
            part = await stream.read(length)
            if not part:
                raise StreamClosed("the stream ended within a push")
            length -= len(part)
            faults.count_push(len(part))
            if unpacker is not None:
                part = memoryview(_unpacked(partial(unpacker.unpack, part)))
            target.pending.append(part)
            target.pending_bytes += len(part)
        if target.pending_bytes >= _GATHER_BYTES or not stream.buffered:
            await target.flush()


def _unpacked(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except BrokenStream as error:
        raise SyncError(f"decompress failed: {error}") from None


async def _drain(stream: Stream) -> None:
    while True:
        verb, length = REQUEST.unpack(await stream.read_exactly(REQUEST.size))
        if verb != b"DATA":
            return
        while length:
            part = await stream.read(length)
            if not part:
                return
            length -= len(part)


class _Target:
    """Where a push goes; bytes gather in ``pending`` until :meth:`flush`."""

    def __init__(self) -> None:
        self.pending: list[memoryview] = []
        self.pending_bytes = 0

    async def flush(self) -> None:
        """Use what is pending."""
        self.pending.clear()
        self.pending_bytes = 0

    def finish(self, mtime: int) -> None:
        """All has come."""

    def discard(self) -> None:
        """Leave nothing behind."""


class _Nothing(_Target):
    """A dry run, a device that keeps nothing, or nothing opened yet."""


class _File(_Target):
    def __init__(self, path: Path, fd: int, faults: Faults) -> None:
        super().__init__()
        self._path = path
        self._fd = fd
        self._faults = faults

    async def flush(self) -> None:
        if not self.pending:
            return
        try:
            if self.pending_bytes >= _THREAD_FROM_BYTES:
                await in_thread(self._write)
            else:
                self._write()
        except OSError as error:
            raise error_text("write failed", error) from None
        await super().flush()

    def _write(self) -> None:
        free = self._faults.disk_free_bytes
        if free is not None:
            if self.pending_bytes > free:
                self._faults.disk_free_bytes = 0
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._faults.disk_free_bytes = free - self.pending_bytes
        left = list(self.pending)
        while left:
            count = os.writev(self._fd, left[:512])
            while left and count >= len(left[0]):
                count -= len(left.pop(0))
            if count:
                left[0] = left[0][count:]

    def finish(self, mtime: int) -> None:
        try:
            os.utime(self._fd, (mtime, mtime))
            os.close(self._fd)
        except OSError as error:
            raise error_text("close failed", error) from None
        finally:
            self._fd = -1

    def discard(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._path.unlink(missing_ok=True)


class _Link(_Target):
    """A symbolic link: its DATA is where it points."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._text = b""

    async def flush(self) -> None:
        self._text += b"".join(self.pending)
        await super().flush()

    def finish(self, mtime: int) -> None:
        try:
            self._path.symlink_to(os.fsdecode(self._text.rstrip(b"\0")))
            os.utime(self._path, (mtime, mtime), follow_symlinks=False)
        except OSError as error:
            raise error_text("symlink failed", error) from None


def _open_target(root: PhoneRoot, faults: Faults, path: str, mode: int) -> _Target:
    """Make room for the file and open it, with the folders above it."""
    try:
        host = root.host_path(path, follow=False)
        if not host.parent.exists():
            check_write(root, host.parent)
            host.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise error_text("secure_mkdirs failed", error) from None
    if is_sink(root, host):
        return _Nothing()
    try:
        check_write(root, host)
    except OSError as error:
        raise error_text("couldn't create file", error) from None
    try:
        present = host.lstat().st_mode
    except FileNotFoundError:
        present = 0
    except OSError as error:
        raise error_text("stat failed", error) from None
    # as adbd: a file or a link in the way is replaced, a device or a fifo is written to
    if present and (stat.S_ISREG(present) or stat.S_ISLNK(present)):
        with contextlib.suppress(OSError):
            host.unlink()
    if stat.S_ISLNK(mode):
        return _Link(host)
    # adbd gives group and others what the user has, since it runs as shell and files are for apps
    bits = mode & 0o777
    bits |= (bits >> 3) & 0o070
    bits |= (bits >> 3) & 0o007
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(host, flags, bits)
        os.fchmod(fd, bits)
    except OSError as error:
        raise error_text("couldn't create file", error) from None
    return _File(host, fd, faults)
