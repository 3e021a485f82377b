"""``dumpsys meminfo`` of the whole phone, and ``dumpsys meminfo --checkin``.

Source: AOSP ``ActivityManagerService.dumpApplicationMemoryUsage`` (text) and
``ActivityThread.dumpMemInfoTable`` with checkin version 4 (one comma-separated line a process).
"""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import (
    NotedReading,
    Reading,
    Unread,
    because,
    clean,
    failures,
    grouped,
    integer,
    lines,
)
from harness.readings.bounds import MEMORY_KB, SIGNED_MEMORY_KB
from harness.readings.errors import ReadingError
from harness.readings.meminfo_package import OF_PHONE, MeminfoPackage, parse_meminfo_package

_SECTION = re.compile(r"Total (RSS|PSS) by (process|OOM adjustment|category):")
_PROCESS = re.compile(
    r"\s{0,40}(-?[0-9][0-9,.]{0,20})K: (.{1,255}?) \(pid ([0-9]{1,10})([^()]{0,80})\)"
    r"((?:\s{0,80}\([^()]{0,80}\)){0,4})\s{0,80}"
)
"""Makers and versions add words behind the pid (`` state 0 oom -900``) and brackets behind that
(``(user 10)``, ``(    2,020K in swap / activities)``)."""
_LOOKS_LIKE_PROCESS = re.compile(r"\s{0,40}-?[0-9][0-9,.]{0,20}K: ")
_USER = re.compile(r"\(user ([0-9]{1,9})\)")
_OF_PROCESSES = re.compile(
    r"^[ \t]{0,20}(?:\*\* MEMINFO in pid|No process found for:)", re.MULTILINE
)
_FOOTER = re.compile(r"\s{0,20}([A-Z][A-Za-z -]{1,30}):\s{0,20}(-?[0-9][0-9,.]{0,20})K")
_STATUS = re.compile(r"\(status ([a-z]{1,20})")
_PART = re.compile(r"(-?[0-9][0-9,.]{0,20})K ([A-Za-z][A-Za-z ]{1,30})")
_TUNING_OOM = re.compile(r"oom\s{1,10}([0-9][0-9,.]{0,20})K")
CHECKIN_TOTAL_PSS = 18
"""Field of the total PSS in a checkin line, counted from 0 (after four sizes, allocs, frees)."""
_CHECKIN = {"size": 6, "alloc": 10, "free": 14, "pss": CHECKIN_TOTAL_PSS, "private_dirty": 34}
_CHECKIN_SWAP_PSS = 46


class ProcessMemory(Reading):
    """Memory of one process."""

    pid: int
    name: str
    kb: int
    activities: bool
    user: int | None = None
    """Android's user, where the phone names one: of a second user or a work profile."""


class MeminfoSystem(NotedReading):
    """Memory of the whole phone, in KiB."""

    uptime_ms: int | None = None
    rss_by_process: tuple[ProcessMemory, ...] = ()
    """Android 11 and later."""
    pss_by_process: tuple[ProcessMemory, ...] = ()
    total_ram_kb: Annotated[int | None, MEMORY_KB] = None
    status: str | None = None
    free_ram_kb: Annotated[int | None, MEMORY_KB] = None
    cached_pss_kb: Annotated[int | None, MEMORY_KB] = None
    cached_kernel_kb: Annotated[int | None, MEMORY_KB] = None
    free_kb: Annotated[int | None, MEMORY_KB] = None
    used_ram_kb: Annotated[int | None, MEMORY_KB] = None
    used_pss_kb: Annotated[int | None, MEMORY_KB] = None
    kernel_kb: Annotated[int | None, MEMORY_KB] = None
    lost_ram_kb: Annotated[int | None, SIGNED_MEMORY_KB] = None
    """May be negative."""
    zram_physical_kb: Annotated[int | None, MEMORY_KB] = None
    zram_in_swap_kb: Annotated[int | None, MEMORY_KB] = None
    zram_total_swap_kb: Annotated[int | None, MEMORY_KB] = None
    tuning_oom_kb: Annotated[int | None, MEMORY_KB] = None


class CheckinProcess(Reading):
    """One line of ``--checkin``, totals in KiB."""

    pid: int
    name: str
    heap_size_kb: Annotated[int | None, MEMORY_KB] = None
    heap_alloc_kb: Annotated[int | None, MEMORY_KB] = None
    heap_free_kb: Annotated[int | None, MEMORY_KB] = None
    total_pss_kb: Annotated[int | None, MEMORY_KB] = None
    total_private_dirty_kb: Annotated[int | None, MEMORY_KB] = None
    total_swap_pss_kb: Annotated[int | None, MEMORY_KB] = None


class MeminfoCheckin(NotedReading):
    """``dumpsys meminfo --checkin``."""

    uptime_ms: int | None = None
    realtime_ms: int | None = None
    checkin_version: int | None = None
    processes: tuple[CheckinProcess, ...] = ()


_PARTS = {
    "cached pss": "cached_pss_kb",
    "cached kernel": "cached_kernel_kb",
    "free": "free_kb",
    "used pss": "used_pss_kb",
    "kernel": "kernel_kb",
    "in swap": "zram_in_swap_kb",
    "total swap": "zram_total_swap_kb",
}
_FOOTERS = {
    "Total RAM": "total_ram_kb",
    "Free RAM": "free_ram_kb",
    "Used RAM": "used_ram_kb",
    "Lost RAM": "lost_ram_kb",
    "ZRAM": "zram_physical_kb",
}


def parse_meminfo_system(text: str | bytes) -> MeminfoSystem:
    """Read ``dumpsys meminfo`` without a package.

    Raises:
        ReadingError: Neither a list of processes nor the RAM lines.
    """
    cleaned = clean(text)
    unread = Unread()
    processes: dict[str, list[ProcessMemory]] = {"RSS": [], "PSS": []}
    found: dict[str, object] = {}
    section: tuple[str, str] | None = None
    for line in lines(cleaned):
        head = line.strip()
        if (match := _SECTION.fullmatch(head)) is not None:
            section = (match[1], match[2])
        elif head.startswith("Uptime: "):
            found.setdefault("uptime_ms", integer(head.split()[1]) if len(head) > 8 else None)
        elif (match := _PROCESS.fullmatch(line)) is not None:
            if section is None or section[1] != "process":
                continue
            if (process := _process(match)) is not None:
                processes[section[0]].append(process)
            else:
                unread.add(line)
        elif section is not None and section[1] == "process" and _LOOKS_LIKE_PROCESS.match(line):
            unread.add(line)
        elif (match := _FOOTER.match(line)) is not None and match[1] in _FOOTERS:
            _take_footer(match[1], match[2], line[match.end() :], found)
        elif head.startswith("Tuning:") and (match := _TUNING_OOM.search(line)) is not None:
            found.setdefault("tuning_oom_kb", grouped(match[1]))
    if not found.keys() - {"uptime_ms"} and not processes["RSS"] and not processes["PSS"]:
        why = because(cleaned, "no process list and no RAM lines")
        raise ReadingError("meminfo", why, cleaned)
    return MeminfoSystem.model_validate(
        {
            **found,
            "rss_by_process": tuple(processes["RSS"]),
            "pss_by_process": tuple(processes["PSS"]),
            "notes": (*failures(cleaned), *unread.notes()),
        }
    )


def _process(match: re.Match[str]) -> ProcessMemory | None:
    kb = grouped(match[1])
    if kb is None or not MEMORY_KB.hold(kb):
        return None
    user = _USER.search(match[5])
    return ProcessMemory(
        pid=int(match[3]),
        name=match[2],
        kb=kb,
        activities="/ activities" in match[4] + match[5],
        user=int(user[1]) if user else None,
    )


def _take_footer(name: str, value: str, rest: str, found: dict[str, object]) -> None:
    found.setdefault(_FOOTERS[name], grouped(value))
    if (status := _STATUS.search(rest)) is not None:
        found.setdefault("status", status[1])
    for part in _PART.finditer(rest.replace("physical used for", "")):
        field = _PARTS.get(part[2].strip())
        if field is not None:
            found.setdefault(field, grouped(part[1]))


def parse_meminfo_checkin(text: str | bytes) -> MeminfoCheckin:
    """Read ``dumpsys meminfo --checkin`` (checkin version 4 seen; Android 11+ not seen).

    Raises:
        ReadingError: Not one line of a process.
    """
    uptime: int | None = None
    realtime: int | None = None
    version: int | None = None
    cleaned = clean(text)
    unread = Unread()
    processes: list[CheckinProcess] = []
    for line in lines(cleaned):
        fields = line.strip().split(",")
        if fields[0] == "time" and len(fields) >= 3:
            uptime, realtime = integer(fields[1]), integer(fields[2])
            continue
        head = integer(fields[0])
        pid = integer(fields[1]) if len(fields) > CHECKIN_TOTAL_PSS else None
        if head is None or pid is None or pid < 0 or not 0 < head < 1000:
            if head is not None:
                unread.add(line)
            continue
        version = head
        values = [integer(field) for field in fields]
        processes.append(
            CheckinProcess(
                pid=pid,
                name=fields[2],
                heap_size_kb=values[_CHECKIN["size"]],
                heap_alloc_kb=values[_CHECKIN["alloc"]],
                heap_free_kb=values[_CHECKIN["free"]],
                total_pss_kb=values[CHECKIN_TOTAL_PSS],
                total_private_dirty_kb=_at(values, _CHECKIN["private_dirty"]),
                total_swap_pss_kb=_at(values, _CHECKIN_SWAP_PSS),
            )
        )
    if not processes:
        raise ReadingError("meminfo", because(cleaned, "no checkin line of a process"), cleaned)
    return MeminfoCheckin(
        uptime_ms=uptime,
        realtime_ms=realtime,
        checkin_version=version,
        processes=tuple(processes),
        notes=(*failures(cleaned), *unread.notes()),
    )


def _at(values: list[int | None], index: int) -> int | None:
    return values[index] if index < len(values) else None


class MeminfoMixed(Reading):
    """Dumps of processes and of the whole phone in one text, as ``dumpsys meminfo -a`` prints."""

    package: MeminfoPackage
    system: MeminfoSystem


AnyMeminfo = MeminfoPackage | MeminfoSystem | MeminfoCheckin | MeminfoMixed


def parse_meminfo(text: str | bytes) -> AnyMeminfo:
    """Read any ``dumpsys meminfo``: its form is recognised by its telling lines.

    Raises:
        ReadingError: No form fits.
    """
    cleaned = clean(text)
    of_processes, of_phone = _OF_PROCESSES.search(cleaned), OF_PHONE.search(cleaned)
    if of_processes is not None and of_phone is not None:
        # each takes its own lines and passes over the other's
        return MeminfoMixed(
            package=parse_meminfo_package(cleaned), system=parse_meminfo_system(cleaned)
        )
    if of_processes is not None:
        return parse_meminfo_package(cleaned)
    if re.search(r"^(?:time|[0-9]{1,3}),[0-9]{1,18},", cleaned, re.MULTILINE):
        return parse_meminfo_checkin(cleaned)
    return parse_meminfo_system(cleaned)
