"""Which host processes belong to which virtual phone, read from the host's /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from harness.virtual.phone import SERIAL_VARIABLE

_MARK = f"{SERIAL_VARIABLE}=".encode()
MAX_AGE_S = 0.05
"""A table may be that old, see :class:`ProcessTable`."""


class ProcessTable:
    """One walk over /proc for all phones: a label for each process that has one.

    A walk costs some 15 microseconds a process, and every phone's accountant asks each second; so
    a walk younger than ``max_age_s`` is used again.

    Args:
        label: Gives the label of a host pid, or None; may raise OSError for one that has gone.
        max_age_s: Seconds for which a walk stays good.
    """

    def __init__(self, label: Callable[[int], str | None], *, max_age_s: float = MAX_AGE_S) -> None:
        self._label = label
        self._max_age_s = max_age_s
        self._walked_at = float("-inf")
        self._pids: dict[str, list[int]] = {}

    def pids(self, label: str, *, fresh: bool = False) -> list[int]:
        """Return the host pids that carry ``label``, in order."""
        now = time.monotonic()
        if fresh or now - self._walked_at > self._max_age_s:
            self._pids = self._walk()
            self._walked_at = now
        return list(self._pids.get(label, ()))

    def _walk(self) -> dict[str, list[int]]:
        pids: dict[str, list[int]] = {}
        own = os.getpid()
        for pid in sorted(_all_pids()):
            if pid == own:
                continue
            try:
                label = self._label(pid)
            except OSError:  # it ended meanwhile, or is another user's
                continue
            if label is not None:
                pids.setdefault(label, []).append(pid)
        return pids


def _all_pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208


def _marked_serial(pid: int) -> str | None:
    """Return the serial in a process's environment; a zombie has no environment."""
    with open(f"/proc/{pid}/environ", "rb") as environ:  # noqa: PTH123
        data = environ.read()
    for entry in data.split(b"\0"):
        if entry.startswith(_MARK):
            return os.fsdecode(entry[len(_MARK) :])
    return None


def pid_namespace(pid: int) -> str:
    """Return the name of a process's pid namespace, such as ``pid:[4026531836]``."""
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115


by_serial = ProcessTable(_marked_serial)
"""Processes by the mark in their environment (isolation ``none``)."""

by_namespace = ProcessTable(pid_namespace)
"""Processes by their pid namespace (isolation ``userns``)."""


def namespace_pids(pid: int) -> list[int]:
    """Return the pids of one process, outermost namespace first.

    Source: field NSpid of proc_pid_status(5).

    Raises:
        ProcessLookupError: No such process.
    """
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:  # noqa: PTH123
            for line in status:
                if line.startswith("NSpid:"):
                    return [int(number) for number in line.split()[1:]]
    except FileNotFoundError:
        pass
    raise ProcessLookupError(f"no process {pid}")


def children(pid: int) -> list[int]:
    """Return the host pids of a process's children (of its main thread); empty if it has gone."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listing:  # noqa: PTH123
            return [int(number) for number in listing.read().split()]
    except FileNotFoundError:
        return [child for child in _all_pids() if _parent(child) == pid]


def launchers(serial: str) -> list[int]:
    """Return what this process itself has started for a phone: what brings commands into it."""
    return [pid for pid in by_serial.pids(serial, fresh=True) if _parent(pid) == os.getpid()]


def wake_launchers(serial: str) -> None:
    """Let launchers go on that stopped themselves.

    ``nsenter`` stops when the command that it waits for is stopped; who continues that one has to
    continue it too, or nobody ever hears that the command has ended.
    """
    for pid in launchers(serial):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def group_members(leader: int, pids: list[int]) -> list[int]:
    """Return those of ``pids`` that are in the process group of ``leader``."""
    return [pid for pid in pids if _group(pid) == leader]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None
