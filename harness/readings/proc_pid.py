"""``/proc/<pid>/stat``, ``statm`` and ``status``. Source: proc(5)."""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import Reading, clean, integer, lines
from harness.readings.bounds import MEMORY_KB
from harness.readings.errors import ReadingError

_HEAD = re.compile(r"\s*([0-9]{1,10}) \((.*)", re.DOTALL)
_STATUS = re.compile(r"([A-Za-z][A-Za-z_]{0,40}):\s{0,8}(.{0,400})")
_KB = re.compile(r"([0-9]{1,18}) kB")


class PidStat(Reading):
    """One process; times in clock ticks, memory in pages."""

    pid: int
    comm: str
    """At most 15 characters; on Android the end of the package name."""
    state: str
    ppid: int
    utime: int
    stime: int
    cutime: int
    cstime: int
    nice: int | None = None
    threads: int | None = None
    starttime: int | None = None
    """Ticks since boot: with the pid, it names a process for good."""
    vsize_bytes: int | None = None
    rss_pages: int | None = None

    @property
    def cpu_ticks(self) -> int:
        """CPU time of the process itself."""
        return self.utime + self.stime

    @property
    def cpu_ticks_with_children(self) -> int:
        """CPU time of the process and of the children it has waited for."""
        return self.utime + self.stime + self.cutime + self.cstime


class PidStatm(Reading):
    """Memory of a process in pages."""

    size: int
    resident: int
    shared: int


class PidStatus(Reading):
    """Memory and identity of a process; sizes in KiB."""

    name: str | None = None
    state: str | None = None
    pid: int | None = None
    ppid: int | None = None
    uid: int | None = None
    threads: int | None = None
    vm_peak_kb: int | None = None
    vm_size_kb: int | None = None
    vm_hwm_kb: Annotated[int | None, MEMORY_KB] = None
    """Highest RSS so far."""
    vm_rss_kb: Annotated[int | None, MEMORY_KB] = None
    rss_anon_kb: Annotated[int | None, MEMORY_KB] = None
    """Kernels before 4.5 do not have it."""
    rss_file_kb: Annotated[int | None, MEMORY_KB] = None
    rss_shmem_kb: Annotated[int | None, MEMORY_KB] = None
    vm_swap_kb: Annotated[int | None, MEMORY_KB] = None


def parse_proc_pid_stat(text: str | bytes) -> PidStat:
    """Read ``/proc/<pid>/stat``: split at the *last* parenthesis, since a name may contain some.

    Raises:
        ReadingError: Not the line of a process.
    """
    cleaned = clean(text)
    match = _HEAD.match(cleaned)
    if match is None or ")" not in match[2]:
        raise ReadingError("proc_pid_stat", "not the line of a process", cleaned)
    comm, _, rest = match[2].rpartition(")")
    words = rest.split()
    if len(words) < 15:
        raise ReadingError("proc_pid_stat", "the line is cut short", cleaned)
    ppid, utime, stime, cutime, cstime = (integer(words[i]) for i in (1, 11, 12, 13, 14))
    if ppid is None or utime is None or stime is None or cutime is None or cstime is None:
        raise ReadingError("proc_pid_stat", "a field is not a number", cleaned)

    def later(index: int) -> int | None:
        return integer(words[index]) if index < len(words) else None

    return PidStat(
        pid=int(match[1]),
        comm=comm,
        state=words[0],
        ppid=ppid,
        utime=utime,
        stime=stime,
        cutime=cutime,
        cstime=cstime,
        nice=later(16),
        threads=later(17),
        starttime=later(19),
        vsize_bytes=later(20),
        rss_pages=later(21),
    )


def parse_proc_pid_stats(text: str | bytes) -> tuple[PidStat, ...]:
    """Read several processes' ``stat``, one a line.

    Raises:
        ReadingError: A line is not that of a process, or there is none.
    """
    rows = [line for line in lines(text) if line.strip()]
    if not rows:
        raise ReadingError("proc_pid_stat", "empty")
    return tuple(parse_proc_pid_stat(line) for line in rows)


def parse_proc_pid_statm(text: str | bytes) -> PidStatm:
    """Read ``/proc/<pid>/statm``.

    Raises:
        ReadingError: Fewer than three numbers.
    """
    cleaned = clean(text)
    numbers = [integer(word) for word in cleaned[:400].split()[:3]]
    if len(numbers) < 3 or None in numbers:
        raise ReadingError("proc_pid_statm", "fewer than three numbers", cleaned)
    return PidStatm.model_validate(dict(zip(("size", "resident", "shared"), numbers, strict=True)))


_SIZES = {
    "VmPeak": "vm_peak_kb",
    "VmSize": "vm_size_kb",
    "VmHWM": "vm_hwm_kb",
    "VmRSS": "vm_rss_kb",
    "RssAnon": "rss_anon_kb",
    "RssFile": "rss_file_kb",
    "RssShmem": "rss_shmem_kb",
    "VmSwap": "vm_swap_kb",
}
_NUMBERS = {"Pid": "pid", "PPid": "ppid", "Uid": "uid", "Threads": "threads"}
_TEXTS = {"Name": "name", "State": "state"}


def parse_proc_pid_status(text: str | bytes) -> PidStatus:
    """Read ``/proc/<pid>/status``.

    Raises:
        ReadingError: Not one known line.
    """
    values: dict[str, object] = {}
    for line in lines(text):
        match = _STATUS.fullmatch(line)
        if match is None:
            continue
        key, value = match[1], match[2].strip()
        if key in _SIZES and (size := _KB.fullmatch(value)) is not None:
            values.setdefault(_SIZES[key], int(size[1]))
        elif key in _NUMBERS and value:
            values.setdefault(_NUMBERS[key], integer(value.split()[0]))
        elif key in _TEXTS:
            values.setdefault(_TEXTS[key], value)
    if not values:
        raise ReadingError("proc_pid_status", "no known line", clean(text[:160]))
    return PidStatus.model_validate(values)
