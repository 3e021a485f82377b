"""Traces that a crash leaves in the phone's log: who ended by an error of its own, and how.

A crash is told by several at once: ``libc`` names the signal, ``DEBUG`` (debuggerd, tombstoned)
the process in a tombstone, ``AndroidRuntime`` an uncaught exception, ActivityManager ``am_crash``,
Zygote how the process ended. A process without any of these did not crash as far as the log goes.

Sources: AOSP ``bionic/linker`` and ``debuggerd_handler.cpp`` ("Fatal signal"),
``libdebuggerd/tombstone.cpp`` (">>> name <<<"), ``RuntimeInit.java`` ("FATAL EXCEPTION"),
``EventLogTags.logtags`` (``am_crash``), ``com_android_internal_os_Zygote.cpp``.
"""

from __future__ import annotations

import re
from typing import Final

from harness.readings.base import Reading, lines

FATAL_SIGNALS: Final = frozenset({4, 5, 6, 7, 8, 11, 31})
"""By which a process ends for its own error: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
SIGSYS."""

_BY = re.compile(
    r"\s*(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} [0-9:.]{8,15}\s+(?:[^\s0-9]\S*\s+)?([0-9]{1,10})\s"
)
"""Whose line it is: the first number after the time (``threadtime``; a name before it: ``uid``)."""
_BY_BRIEF = re.compile(r"[A-Z]/[^(]{1,40}\(\s*([0-9]{1,10})\)")
_SIGNAL = re.compile(r"\bFatal signal ([0-9]{1,3})\b(?:.{0,200}\bpid ([0-9]{1,10}))?")
_TOMBSTONE = re.compile(r"\bpid: ([0-9]{1,10}), tid: [0-9]{1,10}, name: .{0,80}>>> (\S{1,255}) <<<")
_EXCEPTION = re.compile(r"\bProcess: (\S{1,255}), PID: ([0-9]{1,10})")
_AM_CRASH = re.compile(
    r"\bam_crash\s{0,8}(?:\([ 0-9]{1,12}\))?: \[([0-9]{1,10}),([0-9]{1,10}),([^,]{1,255}),"
)
_EXITED = re.compile(r"\bProcess ([0-9]{1,10}) exited (?:due to signal \(?|cleanly \()([0-9]{1,3})")


class CrashLine(Reading):
    """One line of evidence that a process ended by an error of its own.

    Attributes:
        pid: The process.
        process: Its name; None where the line has none.
        line: The line itself.
    """

    pid: int
    process: str | None = None
    line: str


def parse_crashes(text: str | bytes) -> tuple[CrashLine, ...]:
    """Return the traces of crashes in a log, in its order; in any format of ``logcat -v``."""
    found = []
    for whole in lines(text):
        line = whole[:1000]
        for pid, process in _crashed(line):
            found.append(CrashLine(pid=pid, process=process, line=line.strip()))
    return tuple(found)


def _crashed(line: str) -> list[tuple[int, str | None]]:
    """Return which processes a line says to have crashed."""
    if (match := _TOMBSTONE.search(line)) is not None:
        return [(int(match[1]), match[2])]
    if "AndroidRuntime" in line and (match := _EXCEPTION.search(line)) is not None:
        return [(int(match[2]), match[1])]
    if (match := _AM_CRASH.search(line)) is not None:
        # the tag's table says user, pid; ActivityManager writes pid, user
        return [(int(number), match[3]) for number in dict.fromkeys((match[1], match[2]))]
    if (match := _EXITED.search(line)) is not None:
        by_itself = "cleanly" in match[0] or int(match[2]) in FATAL_SIGNALS
        return [(int(match[1]), None)] if by_itself else []
    if (match := _SIGNAL.search(line)) is not None:
        by = _BY.match(line) or _BY_BRIEF.match(line)
        pid = match[2] or (by[1] if by else None)  # Android 8 names the thread only
        return [(int(pid), None)] if pid else []
    return []
