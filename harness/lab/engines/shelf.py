"""Files of a worker: what came by its content, and attempts that wait to be fetched."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.adb.transfer import LocalFile
from harness.lab.engines.wire import CHUNK
from harness.results.names import safe_name
from harness.results.store import AttemptFolder

LIMIT_BYTES: Final = 20 << 30
ASKED_S: Final = 600.0
"""What was asked for or used so lately stays: an attempt runs with it or is about to begin. It is
told by the file's time stamp, since several workers of a host share the folder."""
KEEP_S: Final = 60.0
"""How often the stamps of what is in use are renewed."""
_PART_S: Final = 86400.0
"""A piece that nobody has added to for so long is of a coordinator that is gone."""


class Shelf:
    """A folder with ``cas`` and ``spool``.

    Args:
        root: The folder.
        limit_bytes: How large ``cas`` may become; what was not used for longest goes first, what is
            in use never.
    """

    def __init__(self, root: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._root = root
        self._limit = limit_bytes
        self._using: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._kept_at = time.monotonic()

    def missing(self, files: Sequence[LocalFile]) -> tuple[str, ...]:
        """Return the names of those files that are not here yet; the others stay for now."""
        return tuple(file.name for file in files if not self._touch(file.name))

    def _touch(self, name: str) -> bool:
        """Renew a file's stamp; return whether there is one."""
        try:
            os.utime(self._root / "cas" / name)
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def using(self, files: Sequence[LocalFile]) -> Iterator[None]:
        """Keep files for as long as the context lasts."""
        names = [file.name for file in files]
        with self._lock:
            self._using.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._using.subtract(names)
            self.missing(files)  # used just now

    def keep_used(self) -> None:
        """Say that what is in use still is; to be called every few seconds."""
        if time.monotonic() - self._kept_at < KEEP_S:
            return
        self._kept_at = time.monotonic()
        with self._lock:
            names = [name for name, count in self._using.items() if count > 0]
        for name in names:
            self._touch(name)

    def store(self, file: LocalFile, offset: int, data: bytes) -> None:
        """Take a piece of a file; the last one puts it in place.

        Raises:
            ValueError: The whole is not what its name says.
        """
        path = self.local(file).path
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with part.open("r+b" if offset else "wb") as out:
            out.seek(offset)
            out.write(data)
        if offset + len(data) < file.size:
            return
        sha256 = LocalFile.of(part).sha256
        if sha256 != file.sha256:
            part.unlink()
            raise ValueError(f"{file.name} arrived as {sha256}")
        part.replace(path)
        self._trim()

    def _trim(self) -> None:
        now, kept_bytes = time.time(), 0
        there = []
        for path in (self._root / "cas").iterdir():
            with contextlib.suppress(FileNotFoundError):  # another worker trims it too
                there.append((path, path.stat()))
        for path, stat in sorted(there, key=lambda pair: -pair[1].st_mtime):
            age_s = now - stat.st_mtime
            if path.name.startswith("."):
                old = age_s > _PART_S
            else:
                old = kept_bytes + stat.st_size > self._limit and age_s > ASKED_S
            if old:
                path.unlink(missing_ok=True)
            else:
                kept_bytes += stat.st_size

    def local(self, file: LocalFile) -> LocalFile:
        """Return a file as it lies here."""
        return replace(file, path=self._root / "cas" / file.name)

    def folder(self, run: str, job_id: str, attempt: int) -> AttemptFolder:
        """Return where an attempt's files wait."""
        path = self._root / "spool" / safe_name(run) / safe_name(job_id) / str(attempt)
        return AttemptFolder(path, job_id, attempt)

    def read(self, folder: AttemptFolder, name: str, offset: int) -> bytes:
        """Return a piece of a file of an attempt that has ended."""
        with (folder.path / safe_name(name)).open("rb") as file:
            file.seek(offset)
            return file.read(CHUNK)

    def forget(self, folder: AttemptFolder) -> None:
        """Remove an attempt's folder: the coordinator has it."""
        shutil.rmtree(folder.path, ignore_errors=True)
        for path in list(folder.path.parents)[:2]:  # the job's and the run's, if empty
            with contextlib.suppress(OSError):
                path.rmdir()


def sizes(folder: AttemptFolder) -> dict[str, int]:
    """Return name -> size of what lies in an attempt's folder."""
    return {path.name: path.stat().st_size for path in folder.path.iterdir() if path.is_file()}
