"""Numbers out of kernel files of the usual form (pure).

A run has thousands of samples, and the readings' parsers cost ten times more than taking what a
sample wants out of a text whose form is as expected. Each function here returns None for any
other form: then the parser decides. Both agree on what both read (tested on mutated texts).
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MEMORY = re.compile(
    r"MemTotal: {1,40}([0-9]{1,15}) kB\nMemFree: {1,40}([0-9]{1,15}) kB\n"
    r"MemAvailable: {1,40}([0-9]{1,15}) kB\n",
    re.ASCII,
)
_SWAP_FREE = re.compile(r"\nSwapFree: {1,40}([0-9]{1,15}) kB\n", re.ASCII)
_PEAK = re.compile(
    r"\nVmHWM:\t {0,8}([0-9]{1,15}) kB\nVmRSS:\t {0,8}([0-9]{1,15}) kB\n"
    r"RssAnon:\t {0,8}([0-9]{1,15}) kB\n",
    re.ASCII,
)
_SWAP = re.compile(r"\nVmSwap:\t {0,8}([0-9]{1,15}) kB\n", re.ASCII)


_ONCE = ("VmHWM", "VmRSS", "RssAnon", "VmSwap")
"""The parser takes the first of several lines: such texts are left to it."""


class Memory(NamedTuple):
    """The phone's memory, in KiB."""

    total_kb: int | None
    free_kb: int | None
    available_kb: int | None
    swap_free_kb: int | None


class Cpu(NamedTuple):
    """Ticks of all cores since boot."""

    total: int
    busy: int
    """Neither idle nor waiting for I/O."""


class PidFigures(NamedTuple):
    """What a sample wants of a process's ``stat``; times in clock ticks."""

    pid: int
    state: str
    cpu_ticks: int
    cpu_ticks_with_children: int
    starttime: int | None


class PidMemory(NamedTuple):
    """What a sample wants of a process's ``status``, in KiB."""

    peak_rss_kb: int | None
    rss_kb: int | None
    anon_kb: int | None
    swap_kb: int | None


def memory(text: str) -> Memory | None:
    """Take ``/proc/meminfo`` of Linux 3.14 and later apart."""
    first = _MEMORY.match(text)
    swap = _SWAP_FREE.search(text)
    if first is None or swap is None or text.count("SwapFree") != 1:
        return None
    total, free, available = first.groups()
    return Memory(int(total), int(free), int(available), int(swap[1]))


def cpu(line: str) -> Cpu | None:
    """Take the first line of ``/proc/stat`` apart."""
    words = line.split(" ")
    figures = [word for word in words[1:] if word]
    if words[0] != "cpu" or not 8 <= len(figures) <= 10 or not line.isascii():
        return None
    if not "".join(figures).isdigit() or max(map(len, figures)) > 15:
        return None
    user, nice, system, idle, iowait, irq, softirq, steal, *_ = map(int, figures)
    busy = user + nice + system + irq + softirq + steal
    return Cpu(busy + idle + iowait, busy)


def pid_stat(text: str) -> PidFigures | None:
    """Take a process's ``stat`` apart."""
    head, _, rest = text.rpartition(")")
    pid, found, _ = head.partition(" (")
    words = rest.split(None, 20)
    if not found or len(words) < 21 or len(pid) > 10 or not text.isascii():
        return None
    numbers = [pid, words[1], words[11], words[12], words[13], words[14], words[19]]
    if not "".join(numbers).isdigit() or "" in numbers or max(map(len, numbers)) > 20:
        return None
    utime, stime, cutime, cstime = (int(word) for word in numbers[2:6])
    own = utime + stime
    return PidFigures(int(pid), words[0], own, own + cutime + cstime, int(words[19]))


def pid_statm(text: str) -> tuple[int, int] | None:
    """Take a process's ``statm`` apart: resident and shared pages."""
    words = text.split(None, 3)
    if len(words) < 4 or not text.isascii():
        return None
    size, resident, shared, _ = words
    if not (size + resident + shared).isdigit() or max(map(len, words[:3])) > 20:
        return None
    return int(resident), int(shared)


def pid_status(text: str) -> PidMemory | None:
    """Take a process's ``status`` of Linux 4.5 and later apart."""
    peak = _PEAK.search(text)
    swap = _SWAP.search(text)
    if peak is None or swap is None or any(text.count(name) != 1 for name in _ONCE):
        return None
    highest, rss, anon = peak.groups()
    return PidMemory(int(highest), int(rss), int(anon), int(swap[1]))
