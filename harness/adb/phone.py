"""One phone: shell, properties, files. Every call has one time limit for all of it.

Safe to use from several threads: each call opens a connection of its own. Paths are those that the
phone's own processes use.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from harness.adb.errors import AdbError, DiskFull, TransferFailed
from harness.adb.link import DEFAULT_TIMEOUT_S, PhoneLink
from harness.adb.shell import command_text, quote
from harness.adb.sync import FileStat, SyncSession, open_sync
from harness.atomic import whole
from harness.results.files import said as stored

_TRANSFER_TIMEOUT_S = 600.0
_LOCAL_CHUNK = 1 << 20
DISK_FULL = re.compile(r"no space left|ENOSPC|disk full|quota exceeded", re.IGNORECASE)


class Phone(PhoneLink):
    """One phone: its link (see `PhoneLink`) and its files."""

    @contextlib.contextmanager
    def sync(self, timeout_s: float = _TRANSFER_TIMEOUT_S) -> Iterator[SyncSession]:
        """Open a file connection for several transfers."""
        with open_sync(
            self.server.client, self.adb_serial, timeout_s=timeout_s, serial=self.serial
        ) as session:
            yield session

    def stat(self, path: str) -> FileStat | None:
        """Return what is at a path, None if nothing is."""

        def once() -> FileStat | None:
            with self.sync(DEFAULT_TIMEOUT_S) as session:
                return session.stat(path)

        return self.retried(once)

    def entries(self, folder: str) -> list[FileStat]:
        """Return what is in a folder; nothing if it is not there."""

        def once() -> list[FileStat]:
            with self.sync(DEFAULT_TIMEOUT_S) as session:
                return session.entries(folder)

        return self.retried(once)

    def read_file(
        self, path: str, *, max_bytes: int = 1 << 28, timeout_s: float = _TRANSFER_TIMEOUT_S
    ) -> bytes:
        """Return a file's content.

        Raises:
            FileMissing: There is none.
            TransferFailed: It can't be read, or is larger than ``max_bytes``.
        """

        def once() -> bytes:
            content = bytearray()
            with self.sync(timeout_s) as session:
                for chunk in session.receive(path):
                    content += chunk
                    if len(content) > max_bytes:
                        raise TransferFailed(
                            path, f"is larger than {max_bytes:,} bytes", serial=self.serial
                        )
            return bytes(content)

        return self.retried(once)

    def pull_file(self, path: str, local: Path, *, timeout_s: float = _TRANSFER_TIMEOUT_S) -> int:
        """Copy a file from the phone; the local one appears whole or not at all.

        Returns:
            Its size in bytes.

        Raises:
            FileMissing: There is none.
            TransferFailed: It can't be read.
            StoreError: It can't be written here (a full disk): nothing that the phone can help.
        """

        def once(partial: Path) -> int:
            size = 0
            with partial.open("wb") as file, self.sync(timeout_s) as session:
                for chunk in session.receive(path):
                    size += file.write(chunk)
            return size

        with stored(local, "write"), whole(local) as partial:
            return self.retried(lambda: once(partial))

    def write_bytes(
        self, path: str, data: bytes, *, mode: int = 0o644, timeout_s: float = _TRANSFER_TIMEOUT_S
    ) -> None:
        """Write a file on the phone; a reader sees the old one or the new one, whole.

        Args:
            path: Full path there (not a folder).
            data: Its content.
            mode: Its permissions there.
            timeout_s: For everything.

        Raises:
            TransferFailed: With the phone's reason.
            DiskFull: No room on the phone.
        """
        target = PurePosixPath(path)
        partial = str(target.with_name(f".{target.name[:80]}.{secrets.token_hex(4)}.part"))
        mtime = int(time.time())

        def once() -> None:
            with self.sync(timeout_s) as session:
                session.send(partial, iter([data]), mode=mode, mtime=mtime)

        try:
            self.retried(once)
            self.retried(lambda: self._move(partial, path))
        except TransferFailed as error:
            self._discard(partial)
            if DISK_FULL.search(error.reason):
                raise DiskFull(
                    path,
                    needed_bytes=len(data),
                    free_bytes=self.free_bytes(str(target.parent)),
                    serial=self.serial,
                    reason=error.reason,
                ) from error
            raise TransferFailed(path, error.reason, serial=self.serial) from error

    def write_text(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a UTF-8 text file on the phone; see `write_bytes`."""
        self.write_bytes(path, text.encode(), mode=mode)

    def _move(self, partial: str, path: str) -> None:
        # done twice after a lost cable, the first may have worked: then the target is what counts
        moved = self.shell(
            f"mv -f {quote(partial)} {quote(path)} || [ ! -e {quote(partial)} -a -e {quote(path)} ]"
        )
        if moved.code != 0:
            raise TransferFailed(path, moved.stderr.strip() or "mv failed", serial=self.serial)

    def _discard(self, path: str) -> None:
        with contextlib.suppress(AdbError):
            self.shell(["rm", "-f", path], timeout_s=5.0)

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it, readable for apps."""
        self.retried(lambda: self.run(f"mkdir -p {quote(path)} && chmod 755 {quote(path)}"))

    def remove(self, paths: Sequence[str], timeout_s: float = 60.0) -> None:
        """Remove files and folders with all that is in them; missing ones are fine.

        toybox's ``rm -rf`` fails when a process that is about to end takes a file away, or makes
        one, while it works; then it is tried again.

        Raises:
            ValueError: A path is not absolute or is one of the phone's own top folders.
            CommandFailed: Something is still there after all tries.
        """
        for path in paths:
            if (
                not path.startswith("/")
                or len(PurePosixPath(path).parts) < 4
                or ".." in path.split("/")
            ):
                raise ValueError(f"refusing to remove {path!r}")
        for start in range(0, len(paths), 20):
            remove = command_text(["rm", "-rf", "--", *paths[start : start + 20]])
            text = (
                f"for attempt in 1 2 3 4; do {remove} 2>/dev/null && exit 0; sleep 0.2; done; "
                f"{remove}"
            )
            self.retried(lambda text=text: self.run(text, timeout_s))  # type: ignore[misc]

    def free_bytes(self, folder: str) -> int | None:
        """Return the free bytes of the file system of a folder, None if ``df`` does not say."""
        with contextlib.suppress(AdbError):
            text = self.shell(["df", "-k", folder], timeout_s=10.0).stdout
            fields = " ".join(text.splitlines()[1:]).split()  # a long device name takes a line
            for position, field in enumerate(fields):
                if re.fullmatch(r"\d+%", field) and position and fields[position - 1].isdigit():
                    return int(fields[position - 1]) * 1024
        return None


def local_chunks(path: Path) -> Iterator[bytes]:
    """Yield a local file's content in pieces of 1 MiB."""
    with path.open("rb") as file:
        while chunk := file.read(_LOCAL_CHUNK):
            yield chunk
