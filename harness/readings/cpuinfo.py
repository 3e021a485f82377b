"""``dumpsys cpuinfo``: a window of the phone's own choosing, often minutes old.

Source: AOSP ``ProcessCpuTracker.printCurrentState``. A process's percentage is of one core and may
exceed 100; TOTAL is of all cores. Never a one-second signal: the window is part of the reading.
"""

from __future__ import annotations

import re

from harness.readings.base import (
    NotedReading,
    Reading,
    Unread,
    because,
    clean,
    decimal,
    failures,
    lines,
)
from harness.readings.errors import ReadingError

_NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,6})?"
_LOAD = re.compile(rf"\s*Load: ({_NUMBER}) / ({_NUMBER}) / ({_NUMBER})")
_WINDOW = re.compile(r"\s*CPU usage from (-?[0-9]{1,15})ms to (-?[0-9]{1,15})ms (ago|later)(.*)")
_PROCESS = re.compile(
    rf"\s{{0,8}}([+-]?)({_NUMBER})% ([0-9]{{1,10}})/(.{{1,255}}?): (?={_NUMBER}%)(.*)"
)
_LOOKS_LIKE_PROCESS = re.compile(r"\s{0,8}[+-]?[^\s%]{1,20}% [0-9]{1,10}/")
_TOTAL = re.compile(rf"\s{{0,8}}({_NUMBER})% TOTAL:(.*)")
_PART = re.compile(rf"({_NUMBER})% ([a-z]{{2,10}})")


class ProcessCpu(Reading):
    """One process over the window, in percent of one core."""

    pid: int
    name: str
    percent: float
    user_percent: float | None = None
    kernel_percent: float | None = None
    change: str = ""
    """``+`` appeared in the window, ``-`` vanished in it."""


class Cpuinfo(NotedReading):
    """CPU usage over the phone's own window."""

    load: tuple[float, float, float] | None = None
    window_from_ms_ago: int | None = None
    window_to_ms_ago: int | None = None
    dates: str | None = None
    processes: tuple[ProcessCpu, ...] = ()
    total_percent: float | None = None
    """Of all cores together."""
    total_parts: dict[str, float] | None = None
    """user, kernel, iowait, irq, softirq, in percent of all cores."""


def _parts(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for match in _PART.finditer(text):
        value = decimal(match[1])
        if value is not None:
            found.setdefault(match[2], value)
    return found


def parse_cpuinfo(text: str | bytes) -> Cpuinfo:
    """Read ``dumpsys cpuinfo``.

    Raises:
        ReadingError: Neither a load line, a window nor a process.
    """
    cleaned = clean(text)
    found: dict[str, object] = {}
    unread = Unread()
    processes: list[ProcessCpu] = []
    for line in lines(cleaned):
        if (match := _LOAD.match(line)) is not None:
            found.setdefault("load", tuple(decimal(part) for part in match.groups()))
        elif (match := _WINDOW.match(line)) is not None:
            found.setdefault("window_from_ms_ago", int(match[1]))
            found.setdefault("window_to_ms_ago", int(match[2]))
            dates = match[4].strip(" :()")
            found.setdefault("dates", dates or None)
        elif (match := _TOTAL.match(line)) is not None:
            found.setdefault("total_percent", decimal(match[1]))
            found.setdefault("total_parts", _parts(match[2]))
        elif (match := _PROCESS.match(line)) is not None:
            percent = decimal(match[2])
            parts = _parts(match[5])
            if percent is not None:
                processes.append(
                    ProcessCpu(
                        pid=int(match[3]),
                        name=match[4],
                        percent=percent,
                        user_percent=parts.get("user"),
                        kernel_percent=parts.get("kernel"),
                        change=match[1],
                    )
                )
        elif _LOOKS_LIKE_PROCESS.match(line) is not None:
            unread.add(line)
    if not found and not processes:
        raise ReadingError("cpuinfo", because(cleaned, "no load, window or process"), cleaned)
    notes = (*failures(cleaned), *unread.notes())
    return Cpuinfo.model_validate({**found, "processes": tuple(processes), "notes": notes})
