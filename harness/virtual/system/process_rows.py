"""The phone's processes as rows of ``ps`` and ``top``, under the names that the phone knows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.virtual.phone import PhoneRoot
from harness.virtual.root.daemons import DAEMONS, ZYGOTE, Daemon
from harness.virtual.root.processes import MAX_AGE_S
from harness.virtual.system import procfs
from harness.virtual.system.app import App
from harness.virtual.system.apps import Apps
from harness.virtual.userland import STATE_FOLDER

_SHELL_UID = 2000
_DAEMONS = {daemon.pid: daemon for daemon in DAEMONS}
_TABLE_AGE_S = MAX_AGE_S + 0.005
"""After so long a root walks over its processes again."""


@dataclass(frozen=True)
class Row:
    """One process, or with ``thread`` one thread of it.

    Args:
        user: Name of its user.
        uid: Number of its user.
        pid: Phone pid.
        parent: Phone pid of its parent.
        virtual_kb: Address space.
        resident_kb: Resident memory.
        shared_kb: The part of it that is file-backed or shared.
        state: State letter.
        name: Its name.
        args: Its command line.
        host_pid: Host pid; None: it's there in name only.
        ticks: CPU time, user and system, in ``procfs.TICKS``.
        user_ticks: The part of it in user mode.
        nice: Niceness.
        threads: Its threads.
        age_s: Seconds since it began.
        ticks_lately: CPU time since it was looked at last (``top``).
        looked_s: How long ago that was.
        thread: Phone tid.
        thread_name: Its name.
    """

    user: str
    uid: int
    pid: int
    parent: int
    virtual_kb: int
    resident_kb: int
    shared_kb: int
    state: str
    name: str
    args: str
    host_pid: int | None
    ticks: int = 0
    user_ticks: int = 0
    nice: int = 0
    threads: int = 1
    age_s: float = 0.0
    ticks_lately: int = 0
    looked_s: float = 1.0
    thread: int = 0
    thread_name: str = ""

    @property
    def seconds(self) -> float:
        """CPU time."""
        return self.ticks / procfs.TICKS

    @property
    def busy_lately(self) -> float:
        """CPU time since it was looked at last, in percent of one core."""
        return 100 * self.ticks_lately / (procfs.TICKS * self.looked_s)


class ProcessRows:
    """Reads all processes of a phone.

    Args:
        root: The phone.
        apps: Its apps.
    """

    def __init__(self, root: PhoneRoot, apps: Apps) -> None:
        self._root = root
        self._apps = apps

    async def fresh(self) -> list[Row]:
        """Return all processes, by pid; those too that were started a moment ago."""
        await asyncio.sleep(_TABLE_AGE_S)
        return self.read()

    def read(self) -> list[Row]:
        """Return all processes as far as they are known, by pid."""
        apps = self._apps.by_host_pid()
        rows = []
        for host_pid in (*self._root.daemon_pids.values(), *self._root.pids()):
            use = procfs.read_use(host_pid)
            row = self._row(use, apps.get(host_pid)) if use is not None else None
            if row is not None:
                rows.append(row)
        real = self._root.daemon_pids
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) + self._root.clock_offset_s
        rows += [_modelled(daemon, age_s) for daemon in DAEMONS if daemon.pid not in real]
        return sorted(rows, key=lambda row: row.pid)

    def threads(self, rows: Iterable[Row]) -> list[Row]:
        """Return a row for each thread of some processes."""
        found: list[Row] = []
        for row in rows:
            try:
                tids = sorted(map(int, os.listdir(f"/proc/{row.host_pid}/task")))  # noqa: PTH208
            except OSError:
                tids = []
            if row.host_pid is None or len(tids) < 2:
                found.append(row)
                continue
            for tid in tids:
                with contextlib.suppress(OSError):
                    name, inside = _thread(row.host_pid, tid)
                    found.append(replace(row, thread=inside, thread_name=name))
        return found

    def _row(self, use: procfs.ProcessUse, app: App | None) -> Row | None:
        pid = app.pid if app else self._phone_pid(use.pid)
        daemon = _DAEMONS[pid] if pid in self._root.daemon_pids else None
        words = procfs.read_args(use.pid) if app is None else [app.name]
        if any(f"{STATE_FOLDER}/" in word for word in words[1:]):
            return None  # how a command of ours waits for its answer; no phone has that
        if len(words) > 1 and words[1].endswith(f"system/bin/{use.name}"):
            words = [use.name, *words[2:]]  # a command of ours is a script; a phone's is none
        known = app or daemon
        more = (app.declared_mb or 0) * 1024 if app else 0
        return Row(
            user=known.user if known else "shell",
            uid=known.uid if known else _SHELL_UID,
            pid=pid,
            parent=daemon.parent if daemon else ZYGOTE.pid if app else self._phone_pid(use.parent),
            virtual_kb=use.virtual_kb + more,
            resident_kb=use.resident_kb + more,
            shared_kb=use.shared_kb,
            state=use.state,
            name=known.name if known else use.name,
            args=daemon.name if daemon else " ".join(words) or f"[{use.name}]",
            host_pid=use.pid,
            ticks=use.user + use.system,
            user_ticks=use.user,
            nice=use.nice,
            threads=use.threads,
            age_s=time.clock_gettime(time.CLOCK_BOOTTIME) - use.start / procfs.TICKS,
        )

    def _phone_pid(self, host_pid: int) -> int:
        try:
            return self._root.phone_pid(host_pid)
        except ProcessLookupError:
            return 1


def _modelled(daemon: Daemon, age_s: float) -> Row:
    """Return the row of a process that is there in name only."""
    return Row(daemon.user, daemon.uid, daemon.pid, daemon.parent, 0, 0, 0, "S",
               daemon.name, daemon.name, None, age_s=age_s)  # fmt: skip


def _thread(pid: int, tid: int) -> tuple[str, int]:
    """Return name and phone tid of a thread of the host."""
    with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
        fields = dict(line.partition(":\t")[::2] for line in status.read().splitlines())
    return fields["Name"], int(fields.get("NSpid", str(tid)).split()[-1])
