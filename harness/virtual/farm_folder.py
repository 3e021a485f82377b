"""Where a farm keeps its phones: a locked folder, what's in memory, and what dead farms left."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.paths import cache_root
from harness.virtual import reaper
from harness.virtual.virtual_phone import memory_folder

_RECORD = "farm.json"
_LONGEST_SOCKET_PATH = 100  # sun_path has 108 bytes


class FarmFolder:
    """The files of one farm.

    Args:
        path: Its folder; None: a new one in the cache.
        keep: Leave the files behind at the end.

    Raises:
        InputError: The folder is in use, or holds something else.
    """

    def __init__(self, path: Path | None, *, keep: bool) -> None:
        self.keep = keep
        self.id = secrets.token_hex(3)
        self.path = (path or cache_root() / "farm" / self.id).resolve()
        if self.path.is_dir() and any(self.path.iterdir()) and not self._record.exists():
            raise InputError(
                f"{self.path} is not empty and not a farm's", hint="Name another --root."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.path)
        if self._lock is None:
            raise InputError(f"another farm uses {self.path}", hint="Name another --root.")
        if self._record.exists():
            self._resume()
        shared = memory_folder()
        self.memory = shared / f"mobileasr-farm-{self.id}" if shared else None
        if self.memory is not None:
            self.memory.mkdir(mode=0o700, exist_ok=True)
        self._reaper: subprocess.Popen[str] | None = None

    @property
    def _record(self) -> Path:
        return self.path / _RECORD

    @property
    def socket(self) -> Path:
        """Where the control socket shall be; a socket's path mustn't be long."""
        near = self.path / "control.sock"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH or self.memory is None:
            return near
        return self.memory / "control.sock"

    def proc_dir(self, serial: str) -> Path:
        """Return the folder for a phone's meminfo and stat."""
        return (self.memory or self.path / "memory") / serial

    def watch(self, serials: list[str]) -> None:
        """Write down whose processes these are, and start the reaper."""
        memory = str(self.memory) if self.memory else None
        self._record.write_text(
            json.dumps({"id": self.id, "serials": serials, "memory": memory, "keep": self.keep}),
            encoding="utf-8",
        )
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self._reaper.stdin is not None
        lines = [f"serial {serial}" for serial in serials]
        lines += [f"folder {folder}" for folder in self._doomed()]
        self._reaper.stdin.write("".join(f"{line}\n" for line in lines))
        self._reaper.stdin.flush()

    def close(self) -> None:
        """Remove the files (unless they're kept), let the lock and the reaper go."""
        for folder in self._doomed():
            reaper.remove_tree(folder)
        if self._reaper is not None:
            assert self._reaper.stdin is not None
            with contextlib.suppress(OSError):
                self._reaper.stdin.write("done\n")
                self._reaper.stdin.close()
            self._reaper.wait(5)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _doomed(self) -> list[Path]:
        folders = [self.memory] if self.memory else []
        return folders if self.keep else [*folders, self.path]

    def _resume(self) -> None:
        """Take the name of the farm that was here before, and end what it may have left."""
        record = _read(self._record)
        reaper.kill_all(set(record.get("serials") or ["-"]))
        if isinstance(record.get("id"), str):
            self.id = record["id"]


def clean_up_dead_farms() -> None:
    """Kill what farms in the cache left running when they and their reapers were killed."""
    base = cache_root() / "farm"
    for path in base.iterdir() if base.is_dir() else ():
        if not (path / _RECORD).exists():
            continue
        lock = _lock(path)
        if lock is None:
            continue  # it lives
        record = _read(path / _RECORD)
        reaper.kill_all(set(record.get("serials") or ["-"]))
        if record.get("memory"):
            reaper.remove_tree(record["memory"])
        if not record.get("keep"):
            reaper.remove_tree(path)
        os.close(lock)


async def until_gone(mark: str, limit_s: float = 20.0) -> None:
    """Wait until no farm in the cache has phones with this mark: its end kills by serial.

    Raises:
        InputError: One still has.
    """
    base = cache_root() / "farm"
    end = time.monotonic() + limit_s
    while any(_is_marked(path, mark) for path in (base.iterdir() if base.is_dir() else ())):
        if time.monotonic() > end:
            raise InputError(
                f"virtual phones with the mark {mark} are still up",
                hint="Does the run that they belong to still go on? See `harness status`.",
            )
        await asyncio.sleep(0.1)


def _is_marked(farm: Path, mark: str) -> bool:
    """Say whether a farm that lives, or is being ended, has phones with a mark."""
    if not any(one.endswith(f"-{mark}") for one in _read(farm / _RECORD).get("serials") or ()):
        return False
    try:
        lock = _lock(farm)
    except FileNotFoundError:
        return False  # its folder has just been removed
    if lock is not None:
        os.close(lock)
    return lock is None


def _lock(folder: Path) -> int | None:
    """Lock a farm's folder; None if a living farm has it."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def _read(record: Path) -> dict[str, Any]:
    try:
        found = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
