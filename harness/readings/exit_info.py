"""``dumpsys activity exit-info`` (Android 11 and later): why processes ended.

Source: AOSP ``android.app.ApplicationExitInfo.dump``. The numeric reason counts: names differ
between releases. Sizes follow the phone's locale (``0,00``); AOSP prints 0 for a size that it
never took: no process had none, so it counts as not said.
"""

from __future__ import annotations

import re

from harness.readings.base import (
    NotedReading,
    Reading,
    because,
    clean,
    failures,
    integer,
    lines,
    size_kb,
)
from harness.readings.errors import ReadingError

REASON_SIGNALED = 2
REASON_LOW_MEMORY = 3
OWN_REASONS = frozenset({1, 4, 5, 6, 7})
"""Ended by itself, or for its own error: exit, crash, native crash, ANR, failed initialisation."""
KILL_REASONS = frozenset({REASON_LOW_MEMORY, *range(8, 17)})
"""Ended from outside: permission change, excessive use, a person or ``am force-stop``, dependency,
other kills by the system (MIUI's and other vendors' cleaners show here), freezer, package change
and update."""

_RECORD = re.compile(r"\s*ApplicationExitInfo #([0-9]{1,9}):")
_PACKAGE = re.compile(r"\s*package: (\S{1,255})")
_KEYS = (
    "timestamp",
    "pid",
    "realUid",
    "packageUid",
    "definingUid",
    "user",
    "process",
    "reason",
    "subreason",
    "status",
    "importance",
    "pss",
    "rss",
    "description",
    "state",
    "trace",
)
_KEY = re.compile(rf"(?:^|\s)({'|'.join(_KEYS)})=")
_NUMBERED = re.compile(r"(-?[0-9]{1,9})(?:\s\((.{0,80})\))?")


class ExitRecord(Reading):
    """One ended process."""

    package: str | None = None
    timestamp: str | None = None
    pid: int | None = None
    real_uid: int | None = None
    process: str | None = None
    reason: int | None = None
    reason_name: str | None = None
    subreason: int | None = None
    subreason_name: str | None = None
    status: int | None = None
    """Exit code or signal number."""
    importance: int | None = None
    pss_kb: int | None = None
    rss_kb: int | None = None
    description: str | None = None
    state: str | None = None
    trace: str | None = None


class ExitInfo(NotedReading):
    """All records, newest first within a package."""

    records: tuple[ExitRecord, ...] = ()


def _fields(line: str) -> dict[str, str]:
    """Split ``a=1 b=two words c=3`` at the known keys, which come in a fixed order."""
    entry: dict[str, str] = {}
    marks: list[tuple[str, int, int]] = []
    last = -1
    for match in _KEY.finditer(line):
        order = _KEYS.index(match[1])
        if order > last:  # a description may itself contain "status=": order tells
            marks.append((match[1], match.start(), match.end()))
            last = order
    for index, (key, _, end) in enumerate(marks):
        until = marks[index + 1][1] if index + 1 < len(marks) else len(line)
        entry[key] = line[end:until].strip()
    return entry


def _numbered(text: str | None) -> tuple[int | None, str | None]:
    match = _NUMBERED.fullmatch(text) if text else None
    return (int(match[1]), match[2]) if match else (None, None)


def _text(value: str | None) -> str | None:
    return None if value in (None, "", "null", "empty") else value


def _record(package: str | None, entry: dict[str, str]) -> ExitRecord:
    reason, reason_name = _numbered(entry.get("reason"))
    subreason, subreason_name = _numbered(entry.get("subreason"))
    return ExitRecord(
        package=package,
        timestamp=entry.get("timestamp"),
        pid=integer(entry.get("pid", "")),
        real_uid=integer(entry.get("realUid", "")),
        process=entry.get("process"),
        reason=reason,
        reason_name=reason_name,
        subreason=subreason,
        subreason_name=subreason_name,
        status=integer(entry.get("status", "")),
        importance=integer(entry.get("importance", "")),
        pss_kb=size_kb(entry.get("pss", "")) or None,
        rss_kb=size_kb(entry.get("rss", "")) or None,
        description=_text(entry.get("description")),
        state=_text(entry.get("state")),
        trace=_text(entry.get("trace")),
    )


def parse_exit_info(text: str | bytes) -> ExitInfo:
    """Read ``dumpsys activity exit-info [package]``; fragments of records are read too.

    Raises:
        ReadingError: Neither the header nor a record.
    """
    cleaned = clean(text)
    records: list[ExitRecord] = []
    package: str | None = None
    record_package: str | None = None
    entry: dict[str, str] = {}
    seen = False

    def close() -> None:
        if entry:
            records.append(_record(record_package, entry))
            entry.clear()

    for line in lines(cleaned):
        if (match := _PACKAGE.fullmatch(line.rstrip())) is not None:
            close()
            package = match[1]
            seen = True
        elif _RECORD.match(line) is not None:
            close()
            seen = True
        elif "ACTIVITY MANAGER PROCESS EXIT INFO" in line:
            seen = True
        else:
            fields = _fields(line)
            if fields and fields.keys() & entry.keys():
                close()  # a fragment without its "ApplicationExitInfo #n:" line
            if fields:
                record_package = package
                entry.update(fields)
    close()
    if not records and not seen:
        raise ReadingError("exit_info", because(cleaned, "no exit record"), cleaned)
    return ExitInfo(records=tuple(records), notes=failures(cleaned))
