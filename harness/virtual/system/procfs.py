"""What the host's kernel says about a process of a phone, and the CPU time of all of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessUse:
    """One process at one moment.

    Args:
        pid: Host pid.
        parent: Host pid of its parent.
        start: When it began, in ticks since the host's boot; tells two users of one pid apart.
        name: Its command name.
        user: Ticks in user mode, those of its ended and reaped children included.
        system: Likewise in kernel mode.
        resident_kb: Resident memory.
        shared_kb: The part of it that is file-backed or shared.
        virtual_kb: Address space.
        state: State letter.
        nice: Niceness.
        threads: Its threads.
    """

    pid: int
    parent: int
    start: int
    name: str
    user: int
    system: int
    resident_kb: int
    shared_kb: int
    virtual_kb: int
    state: str
    nice: int = 0
    threads: int = 1

    @property
    def own_kb(self) -> int:
        """What it holds for itself."""
        return max(0, self.resident_kb - self.shared_kb)


def read_use(pid: int) -> ProcessUse | None:
    """Read one process, None if it has gone. Source: proc_pid_stat(5), proc_pid_statm(5)."""
    try:
        stat = _read(f"/proc/{pid}/stat")
        statm = _read(f"/proc/{pid}/statm").split()
    except OSError:
        return None
    head, _, tail = stat.rpartition(b")")
    fields = tail.split()
    if len(fields) < 20 or len(statm) < 3:
        return None
    return ProcessUse(
        pid=pid,
        parent=int(fields[1]),
        start=int(fields[19]),
        name=head.partition(b"(")[2].decode("utf-8", "replace"),
        user=int(fields[11]) + int(fields[13]),
        system=int(fields[12]) + int(fields[14]),
        resident_kb=int(statm[1]) * PAGE_KB,
        shared_kb=int(statm[2]) * PAGE_KB,
        virtual_kb=int(statm[0]) * PAGE_KB,
        state=fields[0].decode(),
        nice=int(fields[16]),
        threads=int(fields[17]),
    )


def read_own_kb(pid: int) -> int:
    """Return resident minus shared memory of a process in KiB, 0 if it has gone."""
    try:
        statm = _read(f"/proc/{pid}/statm").split()
        return max(0, int(statm[1]) - int(statm[2])) * PAGE_KB
    except (OSError, IndexError):
        return 0


def read_rollup(pid: int) -> dict[str, int]:
    """Return the sums of a process's mappings in KiB (``Rss``, ``Pss``, ``Private_Dirty`` ...).

    Costs milliseconds for a big process. Empty if it has gone.
    """
    try:
        text = _read(f"/proc/{pid}/smaps_rollup").decode("ascii", "replace")
    except OSError:
        return {}
    sums: dict[str, int] = {}
    for line in text.splitlines()[1:]:
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            sums[name] = int(words[0])
    return sums


def read_score_adj(pid: int) -> int | None:
    """Return the kernel's own oom_score_adj of a process, None if it has gone."""
    try:
        return int(_read(f"/proc/{pid}/oom_score_adj"))
    except (OSError, ValueError):
        return None


def read_args(pid: int) -> list[str]:
    """Return a process's argument list, empty if it has gone or is the kernel's."""
    try:
        return _read(f"/proc/{pid}/cmdline").decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return []


class CpuAccount:
    """Adds up the CPU time of processes that come and go; the sums never fall.

    A process's figures include those of its reaped children. So when one vanishes while its parent
    is the phone's, its time is in the parent's figures already; when the parent isn't the phone's
    (or has vanished with it), its last figures are kept here. What begins and ends between two
    looks under a parent that isn't the phone's (a short ``adb shell``) is not seen.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], ProcessUse] = {}
        self._gone = [0, 0]
        self.user = 0
        self.system = 0
        self.begun = 0

    def update(self, processes: Iterable[ProcessUse]) -> None:
        """Take the figures of all living processes of the phone."""
        now = {(use.pid, use.start): use for use in processes}
        living = {use.pid for use in now.values()}
        for key, use in self._last.items():
            if key not in now and use.parent not in living:
                self._gone[0] += use.user
                self._gone[1] += use.system
        self.begun += len(now.keys() - self._last.keys())
        self._last = now
        self.user = max(self.user, self._gone[0] + sum(use.user for use in now.values()))
        self.system = max(self.system, self._gone[1] + sum(use.system for use in now.values()))

    @property
    def busy(self) -> int:
        """Ticks in user and kernel mode."""
        return self.user + self.system


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 65536)
    finally:
        os.close(fd)
