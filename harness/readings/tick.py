"""One tick of the sampler: the texts that the loop copied, parsed once when a reading asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.readings.errors import ReadingError
from harness.readings.proc_meminfo import ProcMeminfo, parse_proc_meminfo
from harness.readings.proc_pid import (
    PidStat,
    parse_proc_pid_stat,
    parse_proc_pid_statm,
    parse_proc_pid_status,
)
from harness.readings.proc_stat import CpuTimes, parse_proc_stat

_DEAD = frozenset("ZXx")
_CORE = re.compile(r"^cpu[0-9]", re.MULTILINE)


class Process(NamedTuple):
    """The sampled process; pid and ``starttime`` name it for good."""

    pid: int
    starttime: int | None
    cpu_ticks: int
    rss_kb: int | None
    anon_kb: int | None
    """Resident minus shared: what its memory costs the phone."""
    swap_kb: int | None
    peak_rss_kb: int | None


@dataclass(frozen=True)
class Tick:
    """What one tick read. What the phone did not say, or cannot be parsed, is None."""

    sections: Mapping[str, str]
    """``self``, ``stat``, ``meminfo``, ``pid_stat``, ``pid_statm``, ``pid_status``, and those of
    kernel files."""
    pid: int | None
    """The process that the loop sampled."""
    start_ms: int
    """Uptime."""
    clock_ticks: int
    """A second (USER_HZ)."""
    page_kb: int

    @cached_property
    def meminfo(self) -> ProcMeminfo | None:
        """``/proc/meminfo``."""
        try:
            return parse_proc_meminfo(self.sections.get("meminfo", ""))
        except ReadingError:
            return None

    @cached_property
    def cpu(self) -> CpuTimes | None:
        """All cores: the first line of ``/proc/stat``."""
        try:
            return parse_proc_stat(self.sections.get("stat", "").partition("\n")[0]).all
        except ReadingError:
            return None

    @cached_property
    def cores(self) -> int:
        """How many cores ``/proc/stat`` lists; 0 where only its first line was read."""
        return len(_CORE.findall(self.sections.get("stat", "")))

    @cached_property
    def own_ticks(self) -> int | None:
        """CPU time of the sampler and of the commands it ran, in clock ticks."""
        stat = self._stat("self")
        return stat.cpu_ticks_with_children if stat else None

    @cached_property
    def process(self) -> Process | None:
        """The trainer; None where it is gone, a zombie, or the text is another process's."""
        stat = self._stat("pid_stat")
        if self.pid is None or stat is None or stat.pid != self.pid or stat.state in _DEAD:
            return None
        rss = anon = swap = peak = None
        try:
            status = parse_proc_pid_status(self.sections.get("pid_status", ""))
            rss, anon = status.vm_rss_kb, status.rss_anon_kb
            swap, peak = status.vm_swap_kb, status.vm_hwm_kb
        except ReadingError:
            pass
        try:
            statm = parse_proc_pid_statm(self.sections.get("pid_statm", ""))
            anon = (statm.resident - statm.shared) * self.page_kb
            rss = statm.resident * self.page_kb if rss is None else rss
        except ReadingError:
            pass
        return Process(stat.pid, stat.starttime, stat.cpu_ticks, rss, anon, swap, peak)

    def _stat(self, section: str) -> PidStat | None:
        try:
            return parse_proc_pid_stat(self.sections.get(section, ""))
        except ReadingError:
            return None
