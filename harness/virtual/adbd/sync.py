"""The sync service: stat, list, push and pull.

Source: AOSP packages/modules/adb, ``file_sync_protocol.h`` and ``daemon/file_sync_service.cpp``.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from harness.virtual.adbd import compression
from harness.virtual.adbd.permissions import path_to_read
from harness.virtual.adbd.pull import send_file, send_packed
from harness.virtual.adbd.push import receive_file
from harness.virtual.adbd.streams import REQUEST, Stream, SyncError, fail
from harness.virtual.phone import Faults, PhoneRoot

_T = TypeVar("_T")

_LONGEST_PATH = 1024
_SHELL_UID = 2000

_STAT_1 = struct.Struct("<4sIII")
_STAT_2 = struct.Struct("<4sIQQIIIIQqqq")
_ENTRY_1 = struct.Struct("<4sIIII")
_LENGTH = struct.Struct("<I")
_SEND_2 = struct.Struct("<4sII")
_RECEIVE_2 = struct.Struct("<4sI")

_DRY_RUN = 0x80000000


async def serve_sync(stream: Stream, root: PhoneRoot, faults: Faults) -> None:
    """Serve requests until QUIT or the stream's end."""
    await _Session(stream, root, faults).run()


class _Session:
    def __init__(self, stream: Stream, root: PhoneRoot, faults: Faults) -> None:
        self._stream = stream
        self._root = root
        self._faults = faults
        self._verbs: dict[bytes, Callable[[str], Awaitable[None]]] = {
            b"STAT": self._stat_1,
            b"STA2": lambda path: self._stat_2(b"STA2", path, follow=True),
            b"LST2": lambda path: self._stat_2(b"LST2", path, follow=False),
            b"LIST": self._list_1,
            b"LIS2": self._list_2,
            b"SEND": self._send_1,
            b"SND2": self._send_2,
            b"RECV": self._receive_1,
            b"RCV2": self._receive_2,
        }

    async def run(self) -> None:
        while True:
            verb, length = REQUEST.unpack(await self._stream.read_exactly(REQUEST.size))
            if verb == b"QUIT":
                return
            if length > _LONGEST_PATH:
                await fail(self._stream, "path too long")
                return
            path = os.fsdecode(await self._stream.read_exactly(length))
            serve = self._verbs.get(verb)
            if serve is None:
                await fail(self._stream, f"unknown command {verb!r}")
                return
            try:
                await serve(path)
            except SyncError as error:
                await fail(self._stream, str(error))

    # ---- stat

    def _look(self, path: str, *, follow: bool) -> os.stat_result:
        host = path_to_read(self._root, path, follow=follow)
        return os.stat(host, follow_symlinks=False)  # noqa: PTH116 - links are resolved already

    async def _stat_1(self, path: str) -> None:
        """Answer zeros for what isn't there: version 1 knows no errors."""
        try:
            state = self._look(path, follow=False)
        except OSError:
            await self._stream.write(_STAT_1.pack(b"STAT", 0, 0, 0))
            return
        await self._stream.write(
            _STAT_1.pack(b"STAT", state.st_mode, _u32(state.st_size), _u32(int(state.st_mtime)))
        )

    async def _stat_2(self, verb: bytes, path: str, *, follow: bool) -> None:
        try:
            answer = _pack_stat_2(verb, self._look(path, follow=follow))
        except OSError as error:
            answer = _pack_stat_error(verb, error)
        await self._stream.write(answer)

    # ---- list

    def _entries(self, path: str) -> Iterator[tuple[bytes, os.stat_result | OSError]]:
        """Yield name and state of each entry, ``.`` and ``..`` first; nothing if unreadable."""
        try:
            folder = path_to_read(self._root, path, content=True)
            names = [".", "..", *sorted(os.listdir(folder))]  # noqa: PTH208
        except OSError:
            return
        for name in names:
            # the phone's root has no parent but itself; above it is the host's business
            top = name == ".." and folder == self._root.root_dir
            yield os.fsencode(name), _lstat(folder if top else folder / name)

    async def _list_1(self, path: str) -> None:
        parts: list[bytes] = []
        for name, state in self._entries(path):
            if not isinstance(state, OSError):
                mode, size, mtime = state.st_mode, _u32(state.st_size), _u32(int(state.st_mtime))
                parts += (_ENTRY_1.pack(b"DENT", mode, size, mtime, len(name)), name)
        parts.append(_ENTRY_1.pack(b"DONE", 0, 0, 0, 0))
        await self._stream.write(*parts)

    async def _list_2(self, path: str) -> None:
        parts: list[bytes] = []
        for name, state in self._entries(path):
            if isinstance(state, OSError):
                head = _pack_stat_error(b"DNT2", state)
            else:
                head = _pack_stat_2(b"DNT2", state)
            parts += (head, _LENGTH.pack(len(name)), name)
        parts.append(b"DONE" + bytes(_STAT_2.size - 4 + _LENGTH.size))
        await self._stream.write(*parts)

    # ---- push and pull

    async def _send_1(self, request: str) -> None:
        path, comma, mode = request.rpartition(",")
        if not comma or not mode.isdecimal():
            raise SyncError("missing , in ID_SEND")
        await receive_file(self._stream, self._root, self._faults, path, int(mode))

    async def _send_2(self, path: str) -> None:
        verb, mode, flags = _SEND_2.unpack(await self._stream.read_exactly(_SEND_2.size))
        if verb != b"SND2" or flags & ~(compression.ALL | _DRY_RUN):
            raise SyncError(f"unsupported send flags {flags:#x}")
        await receive_file(
            self._stream,
            self._root,
            self._faults,
            path,
            mode,
            dry_run=bool(flags & _DRY_RUN),
            unpacker=_codec(compression.unpacker, flags & compression.ALL),
        )

    async def _receive_1(self, path: str) -> None:
        self._faults.happened["pull"] += 1
        await send_file(self._stream, self._root, path)

    async def _receive_2(self, path: str) -> None:
        verb, flags = _RECEIVE_2.unpack(await self._stream.read_exactly(_RECEIVE_2.size))
        if verb != b"RCV2" or flags & ~compression.ALL:
            raise SyncError(f"unsupported receive flags {flags:#x}")
        self._faults.happened["pull"] += 1
        packer = _codec(compression.packer, flags)
        if packer is None:
            await send_file(self._stream, self._root, path)
        else:
            await send_packed(self._stream, self._root, path, packer)


def _codec(make: Callable[[int], _T], flag: int) -> _T | None:
    """Make the codec that a compression flag asks for; None without one."""
    if not flag:
        return None
    try:
        return make(flag)
    except KeyError:
        raise SyncError("multiple compression flags received") from None


def _lstat(path: Path) -> os.stat_result | OSError:
    try:
        return path.lstat()
    except OSError as error:  # removed meanwhile
        return error


def _u32(value: int) -> int:
    return value & 0xFFFFFFFF


def _pack_stat_2(verb: bytes, state: os.stat_result) -> bytes:
    # what is the farm's own belongs to the phone's shell user
    own = state.st_uid == os.getuid()
    return _STAT_2.pack(
        verb,
        0,
        state.st_dev & 0xFFFFFFFFFFFFFFFF,
        state.st_ino,
        state.st_mode,
        state.st_nlink,
        _SHELL_UID if own else state.st_uid,
        _SHELL_UID if own else state.st_gid,
        state.st_size,
        int(state.st_atime),
        int(state.st_mtime),
        int(state.st_ctime),
    )


def _pack_stat_error(verb: bytes, error: OSError) -> bytes:
    return _STAT_2.pack(verb, error.errno or errno.EIO, *[0] * 10)
