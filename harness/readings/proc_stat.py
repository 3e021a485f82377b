"""``/proc/stat``. Source: proc(5). Times are in clock ticks (USER_HZ: 100 a second on Android)."""

from __future__ import annotations

import re

from pydantic import Field

from harness.readings.base import NotedReading, Reading, Unread, clean, integer, lines
from harness.readings.errors import ReadingError

_CPU = re.compile(r"\s*cpu([0-9]{0,4})\s{1,8}([0-9 ]{1,400})")
_NAMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class CpuTimes(Reading):
    """Ticks since boot of one core or of all; later columns are absent on old kernels."""

    user: int
    nice: int
    system: int
    idle: int
    iowait: int | None = None
    irq: int | None = None
    softirq: int | None = None
    steal: int | None = None

    @property
    def total(self) -> int:
        """All ticks (guest time is already in ``user``)."""
        later = (self.iowait, self.irq, self.softirq, self.steal)
        return self.user + self.nice + self.system + self.idle + sum(v or 0 for v in later)

    @property
    def busy(self) -> int:
        """Ticks neither idle nor waiting for I/O."""
        return self.total - self.idle - (self.iowait or 0)


class ProcStat(NotedReading):
    """CPU time of the whole phone."""

    all: CpuTimes | None = None
    cores: dict[int, CpuTimes] = Field(default_factory=dict)
    """By core number; a core that is off has no line."""
    boot_time_s: int | None = None
    processes: int | None = None
    context_switches: int | None = None


_COUNTERS = {"btime": "boot_time_s", "processes": "processes", "ctxt": "context_switches"}


def parse_proc_stat(text: str | bytes) -> ProcStat:
    """Read ``/proc/stat``, or its first line only.

    Raises:
        ReadingError: No ``cpu`` line.
    """
    found: dict[str, object] = {}
    cores: dict[int, CpuTimes] = {}
    unread = Unread()
    for line in lines(text):
        if (match := _CPU.fullmatch(line.rstrip())) is not None:
            ticks = [integer(word) for word in match[2].split()]
            if len(ticks) < 4 or None in ticks:
                unread.add(line)
                continue
            times = CpuTimes.model_validate(dict(zip(_NAMES, ticks, strict=False)))
            if match[1]:
                cores.setdefault(int(match[1]), times)
            else:
                found.setdefault("all", times)
            continue
        if line.startswith("cpu"):
            unread.add(line)
        words = line.split()
        if len(words) == 2 and words[0] in _COUNTERS:
            found.setdefault(_COUNTERS[words[0]], integer(words[1]))
    if "all" not in found and not cores:
        raise ReadingError("proc_stat", "no cpu line", clean(text[:160]))
    return ProcStat.model_validate({**found, "cores": cores, "notes": unread.notes()})
