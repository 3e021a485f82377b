"""The sync protocol: files to and from a phone, over one connection for many of them.

adbutils hides why a push failed and opens a connection for each file; 160 utterances are a usual
provisioning. Version 1 requests are used, which every Android has (AOSP: file_sync_protocol.h).
"""

from __future__ import annotations

import contextlib
import select
import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.adb.client import Client, Connection, translated
from harness.adb.errors import FileMissing, TransferFailed

_CHUNK = 64 << 10  # the most that one DATA may carry
_MAX_PATH = 1024
_U32 = struct.Struct("<I")


@dataclass(frozen=True)
class FileStat:
    """A file on a phone (sizes above 4 GiB are modulo 4 GiB, as version 1 says them)."""

    name: str
    mode: int
    size: int
    mtime: int
    """Seconds since 1970."""

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self.mode)


class SyncSession:
    """An open sync connection; after an error it can't be used any more."""

    def __init__(self, connection: Connection, serial: str) -> None:
        self._connection = connection
        self._serial = serial

    def stat(self, path: str) -> FileStat | None:
        """Return what is at a path (links are not followed), None if nothing is."""
        self._request(b"STAT", path)
        reply = self._connection.read_exactly(16)
        mode, size, mtime = struct.unpack("<III", reply[4:])
        return FileStat(path, mode, size, mtime) if mode else None

    def entries(self, folder: str) -> list[FileStat]:
        """Return what is in a folder, without ``.`` and ``..``; nothing if it is not there."""
        self._request(b"LIST", folder)
        found: list[FileStat] = []
        while True:
            head = self._connection.read_exactly(20)
            if head[:4] != b"DENT":
                return found
            mode, size, mtime, length = struct.unpack("<IIII", head[4:])
            name = self._connection.read_exactly(length).decode("utf-8", "surrogateescape")
            if name not in (".", ".."):
                found.append(FileStat(name, mode, size, mtime))

    def send(self, path: str, chunks: Iterable[bytes], *, mode: int, mtime: int) -> int:
        """Write a file.

        Returns:
            Its size in bytes.

        Raises:
            TransferFailed: With the phone's reason.
        """
        self._request(b"SEND", f"{path},{stat.S_IFREG | mode}")
        size = 0
        answers = select.poll()  # not select(): it cannot watch file descriptors above 1023
        answers.register(self._connection.conn, select.POLLIN)
        for chunk in chunks:
            view = memoryview(chunk)
            for start in range(0, len(view), _CHUNK):
                part = view[start : start + _CHUNK]
                self._connection.send_all(b"DATA" + _U32.pack(len(part)) + part)
                size += len(part)
                # a full disk is said early; without looking, all of the file would be sent first
                if answers.poll(0):
                    self._status(path)
                    raise TransferFailed(path, "the phone answered too early", serial=self._serial)
        self._connection.send_all(b"DONE" + _U32.pack(mtime))
        self._status(path)
        return size

    def receive(self, path: str) -> Iterator[bytes]:
        """Yield a file's content.

        Raises:
            FileMissing: There is none.
            TransferFailed: With the phone's reason.
        """
        self._request(b"RECV", path)
        while True:
            kind, length = self._head()
            if kind == b"DATA":
                yield self._connection.read_exactly(length)
            elif kind == b"DONE":
                return
            else:
                self._fail(path, kind, length)

    def _request(self, kind: bytes, path: str) -> None:
        raw = path.encode("utf-8", "surrogateescape")
        if len(raw) > _MAX_PATH or "\0" in path:
            raise TransferFailed(path, "the path is too long or holds NUL", serial=self._serial)
        self._connection.send_all(kind + _U32.pack(len(raw)) + raw)

    def _head(self) -> tuple[bytes, int]:
        head = self._connection.read_exactly(8)
        return head[:4], _U32.unpack(head[4:])[0]

    def _status(self, path: str) -> None:
        kind, length = self._head()
        if kind != b"OKAY":
            self._fail(path, kind, length)

    def _fail(self, path: str, kind: bytes, length: int) -> None:
        if kind != b"FAIL":
            raise EOFError(f"unexpected answer {kind!r} about {path}")
        reason = self._connection.read_exactly(min(length, 1 << 16)).decode("utf-8", "replace")
        missing = "no such file" in reason.lower()
        raise (FileMissing if missing else TransferFailed)(path, reason, serial=self._serial)


@contextlib.contextmanager
def open_sync(
    client: Client, adb_serial: str, *, timeout_s: float, serial: str = ""
) -> Iterator[SyncSession]:
    """Open a sync connection for as long as the context lasts.

    Args:
        client: Of the phone's adb server.
        adb_serial: The phone as its server calls it.
        timeout_s: For everything that is done in the context.
        serial: How errors call the phone.
    """
    with client.service(adb_serial, "sync:", timeout_s=timeout_s, serial=serial) as connection:
        session = SyncSession(connection, serial or adb_serial)
        with translated(serial or adb_serial, "sync", timeout_s):
            yield session
            connection.send_all(b"QUIT" + _U32.pack(0))
