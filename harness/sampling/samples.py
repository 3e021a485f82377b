"""Frames -> the numbers in them (pure). What the phone did not say is None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar

from harness.readings import (
    Battery,
    MeminfoPackage,
    ReadingError,
    Thermal,
    parse_battery,
    parse_battery_proto,
    parse_meminfo_package,
    parse_meminfo_proto,
    parse_proc_meminfo,
    parse_proc_pid_stat,
    parse_proc_pid_statm,
    parse_proc_pid_status,
    parse_proc_stat,
    parse_thermal,
)
from harness.sampling import quick
from harness.sampling.frames import Frame, FrameReader, Header, Slow, Stopped
from harness.sampling.quick import Cpu, Memory, PidFigures

T = TypeVar("T")
U = TypeVar("U", str, bytes)

_DEAD = frozenset("ZXx")


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


class Sample(NamedTuple):
    """The numbers of one tick."""

    header: Header
    number: int
    due_ms: int
    start_ms: int
    end_ms: int
    memory: Memory | None
    cpu: Cpu | None
    process: Process | None
    sampler_ticks: int | None
    """CPU time of the sampler and of the commands it ran, in clock ticks."""


def _try(parse: Callable[[U], T], text: U) -> T | None:
    try:
        return parse(text)
    except ReadingError:
        return None


@lru_cache(maxsize=256)
def _battery(data: bytes, proto: bool) -> Battery | None:
    """Read a battery's answer; it often stays the same for many seconds."""
    return _try(parse_battery_proto if proto else parse_battery, data)


@lru_cache(maxsize=64)
def _thermal(data: bytes) -> Thermal | None:
    """Read what the thermal service says now; what it cached is old, and most of its cost."""
    begin, end = data.find(b"Cached temperatures:"), data.find(b"Current temperatures from HAL:")
    return _try(parse_thermal, data[:begin] + data[end:] if 0 <= begin < end else data)


# Each of these takes the usual form of a text at once, and leaves any other to its parser.


def read_memory(text: str) -> Memory | None:
    """Read ``/proc/meminfo``; None if it is none."""
    found = quick.memory(text)
    if found is not None:
        return found
    parsed = _try(parse_proc_meminfo, text)
    if parsed is None:
        return None
    return Memory(parsed.total_kb, parsed.free_kb, parsed.available_kb, parsed.swap_free_kb)


def read_cpu(text: str) -> Cpu | None:
    """Read the first line of ``/proc/stat``: that of all cores; None if it is none."""
    found = quick.cpu(text)
    if found is not None:
        return found
    parsed = _try(parse_proc_stat, text)
    return Cpu(parsed.all.total, parsed.all.busy) if parsed and parsed.all else None


def read_pid_stat(text: str) -> PidFigures | None:
    """Read ``/proc/<pid>/stat``; None if it is none."""
    found = quick.pid_stat(text)
    if found is not None:
        return found
    stat = _try(parse_proc_pid_stat, text)
    if stat is None:
        return None
    both = stat.cpu_ticks_with_children
    return PidFigures(stat.pid, stat.state, stat.cpu_ticks, both, stat.starttime)


def read_pid_statm(text: str) -> tuple[int, int] | None:
    """Read ``/proc/<pid>/statm``: resident and shared pages; None if it is none."""
    found = quick.pid_statm(text)
    if found is not None:
        return found
    statm = _try(parse_proc_pid_statm, text)
    return (statm.resident, statm.shared) if statm else None


def read_pid_status(text: str) -> quick.PidMemory:
    """Read ``/proc/<pid>/status``; what it does not say is None."""
    found = quick.pid_status(text)
    if found is not None:
        return found
    status = _try(parse_proc_pid_status, text)
    if status is None:
        return quick.PidMemory(None, None, None, None)
    return quick.PidMemory(
        status.vm_hwm_kb, status.vm_rss_kb, status.rss_anon_kb, status.vm_swap_kb
    )


def _process(frame: Frame) -> Process | None:
    sections = frame.sections
    stat = read_pid_stat(sections.get("pid_stat", ""))
    if frame.pid is None or stat is None or stat.pid != frame.pid or stat.state in _DEAD:
        return None
    statm = read_pid_statm(sections.get("pid_statm", ""))
    status = read_pid_status(sections.get("pid_status", ""))
    page_kb = frame.header.page_kb
    rss, anon = status.rss_kb, status.anon_kb
    if statm is not None:
        resident, shared = statm
        anon = (resident - shared) * page_kb
        if rss is None:
            rss = resident * page_kb
    return Process(
        stat.pid, stat.starttime, stat.cpu_ticks, rss, anon, status.swap_kb, status.peak_rss_kb
    )


def read_sample(frame: Frame) -> Sample:
    """Return the numbers of a frame; a reading that cannot be parsed counts as absent."""
    sections = frame.sections
    own = read_pid_stat(sections.get("self", ""))
    return Sample(
        header=frame.header,
        number=frame.number,
        due_ms=frame.header.due_ms(frame.number),
        start_ms=frame.start_ms,
        end_ms=frame.end_ms,
        memory=read_memory(sections.get("meminfo", "")),
        cpu=read_cpu(sections.get("stat", "").partition("\n")[0]),
        process=_process(frame),
        sampler_ticks=own.cpu_ticks_with_children if own else None,
    )


_PSS_LOOK_BACK = 60


def read_pss_kb(answer: Slow, pid: int | None) -> int | None:
    """Return the total PSS of the trainer's process in KiB, or None.

    A vendor's dump may hold other processes of the package (ballast) too; they do not count.
    """
    reading = _try(parse_meminfo_proto if answer.proto else parse_meminfo_package, answer.data)
    if not isinstance(reading, MeminfoPackage) or pid is None:
        return None
    found = [process for process in reading.processes if process.pid == pid]
    return found[0].total_pss_kb if found else None


class CpuPercent(NamedTuple):
    """CPU use between two samples; None where one end is missing or another process."""

    one_core: float | None
    """The process, in percent of one core."""
    of_phone: float | None
    """The process, in percent of all cores of the phone."""
    phone: float | None
    """The whole phone, in percent of all its cores."""


def cpu_percent(before: Sample, after: Sample) -> CpuPercent:
    """Return CPU use between two samples."""
    seconds = (after.start_ms - before.start_ms) / 1000
    total = busy = None
    if before.cpu is not None and after.cpu is not None:
        total = after.cpu.total - before.cpu.total
        busy = after.cpu.busy - before.cpu.busy
        if total <= 0 or not 0 <= busy <= total:
            total = busy = None  # a counter ran backwards: idle time does on some kernels
    used = None
    old, new = before.process, after.process
    if old is not None and new is not None and (old.pid, old.starttime) == (new.pid, new.starttime):
        used = new.cpu_ticks - old.cpu_ticks
    one_core = of_phone = None
    if used is not None and used >= 0 and seconds > 0:
        one_core = 100 * used / after.header.clock_ticks / seconds
        of_phone = min(100.0, 100 * used / total) if total else None
    return CpuPercent(
        one_core, of_phone, None if total is None or busy is None else 100 * busy / total
    )


@dataclass
class Series:
    """All that a sampler said, as numbers: small, whatever the length of the run."""

    samples: list[Sample] = field(default_factory=list)
    batteries: list[tuple[Header, int, Battery]] = field(default_factory=list)
    """(start of the sampler, tick in which it was asked, answer)."""
    pss_kb: list[tuple[int, int]] = field(default_factory=list)
    """(uptime in ms when it was asked, total PSS)."""
    thermals: list[tuple[int, Thermal]] = field(default_factory=list)
    """(uptime in ms when it was answered, answer)."""
    slow_ms: list[int] = field(default_factory=list)
    """What each PSS reading took."""
    stopped: str | None = None
    """Why the sampler ended; None while it runs, or if it was killed."""
    dropped: int = 0
    """Frames that were cut short."""

    def add(self, item: Frame | Stopped) -> None:
        """Take the next frame, or the sampler's last words."""
        if item.battery is not None:
            battery = _battery(item.battery.data, item.battery.proto)
            if battery is not None:
                self.batteries.append((item.header, item.battery.number, battery))
        if isinstance(item, Stopped):
            self.stopped = item.reason
            return
        self.stopped = None
        sample = read_sample(item)
        self.samples.append(sample)
        if item.pss is not None:
            # the answer may come after the process has gone: the last one seen is the one asked
            seen = [one.process.pid for one in self.samples[-_PSS_LOOK_BACK:] if one.process]
            pid = seen[-1] if seen else None
            self.slow_ms.append(item.pss.ended_ms - item.pss.began_ms)
            if (pss := read_pss_kb(item.pss, pid)) is not None:
                self.pss_kb.append((item.pss.began_ms, pss))
        if item.thermal is not None:
            thermal = _thermal(item.thermal.data)
            if thermal is not None:
                self.thermals.append((item.thermal.ended_ms, thermal))


def read_series(data: bytes) -> Series:
    """Read a whole ``samples.txt``; a torn tail is dropped."""
    reader = FrameReader()
    series = Series()
    for item in reader.feed(data):
        series.add(item)
    series.dropped = reader.dropped
    return series
