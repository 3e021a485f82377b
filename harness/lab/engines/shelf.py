"""Files of a worker: what came by its content, and attempts that wait to be fetched."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.adb.transfer import LocalFile
from harness.lab.engines.wire import CHUNK
from harness.results.names import safe_name
from harness.results.store import AttemptFolder


class Shelf:
    """A folder with ``cas`` and ``spool``.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def missing(self, files: Sequence[LocalFile]) -> tuple[str, ...]:
        """Return the names of those files that are not here yet."""
        return tuple(one.name for one in files if not self.local(one).path.is_file())

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
        found = LocalFile.of(part).sha256
        if found != file.sha256:
            part.unlink()
            raise ValueError(f"{file.name} arrived as {found}")
        part.replace(path)

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
