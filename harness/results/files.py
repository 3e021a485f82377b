"""Writing that survives a crash, and a full disk said in words."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the operating system says of a full disk."""
ROOM_HINT = "Make room, then `harness resume` the run: finished attempts are safe."


class StoreError(HarnessError):
    """A run folder cannot be written or read."""


class DiskFullError(StoreError):
    """The disk that holds the run folder is full; what was finished before is safe."""


@contextmanager
def said(path: Path, deed: str) -> Iterator[None]:
    """Turn an ``OSError`` into a `StoreError` that names the file and what to do.

    Args:
        path: The file that is written or read.
        deed: What is done, for the message ("write").

    Raises:
        DiskFullError: No space or quota left.
        StoreError: Any other error of the file system.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError(
                f"{path}: the disk is full ({_free_mb(path.parent)} MiB free).\n  {ROOM_HINT}"
            ) from error
        raise StoreError(f"{path}: cannot {deed}: {error.strerror or error}") from error


def _free_mb(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free // 2**20
    except OSError:
        return 0


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in place for good.

    After a crash at any moment ``path`` holds the old content or the new one, never a part:
    the data are on disk (fsync) before the rename, the rename before this returns.

    Raises:
        DiskFullError: No space left; ``path`` is untouched.
        StoreError: Any other error of the file system.
    """
    with said(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_to_disk(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; see `write_atomically`."""
    write_atomically(path, lambda temporary: _fill(temporary, data))


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def sync_to_disk(path: Path) -> None:
    """Make what was written to a file, or renamed in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
