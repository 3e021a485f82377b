"""Why processes ended: records and the text of ``dumpsys activity exit-info`` (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.virtual.system.logs import WITH_YEAR, stamp


@dataclass(frozen=True)
class ExitWhy:
    """A reason, as numbers and words of ``android.app.ApplicationExitInfo``."""

    reason: int
    name: str
    subreason: int = 0
    subname: str = "UNKNOWN"
    description: str | None = None


LOW_MEMORY = ExitWhy(3, "LOW_MEMORY")


@dataclass(frozen=True)
class ExitRecord:
    """One ended process."""

    when: float
    pid: int
    uid: int
    package: str
    process: str
    why: ExitWhy
    status: int
    importance: int
    held_kb: int


def size_text(kb: int) -> str:
    """Return a size as AOSP's ``DebugUtils.sizeValueToString`` writes it."""
    value, unit = float(kb * 1024), ""
    for following in ("KB", "MB", "GB"):
        if value <= 900:
            break
        value, unit = value / 1024, following
    if value < 1:
        return f"{value:.2f}{unit}"
    if value < 10:
        return f"{value:.1f}{unit}"
    return f"{value:.0f}{unit}"


def exit_info_text(records: Iterable[ExitRecord], package: str | None) -> str:
    """Return the dump, newest first within each package; of one package if named.

    Source: AOSP ``AppExitInfoTracker.dumpHistoryProcessExitInfo`` and
    ``ApplicationExitInfo.dump``.
    """
    by_package: dict[str, list[ExitRecord]] = {}
    for record in records:
        if package is None or record.package == package:
            by_package.setdefault(record.package, []).append(record)
    lines = [
        "ACTIVITY MANAGER PROCESS EXIT INFO (dumpsys activity exit-info)",
        "Last Timestamp of Persistence Into Persistent Storage: 0",
    ]
    for name, group in sorted(by_package.items()):
        lines.append(f"  package: {name}")
        lines.append(f"    Historical Process Exit for uid={group[0].uid}")
        for number, record in enumerate(group):
            lines += _record(number, record)
    return "\n".join(lines) + "\n"


def _record(number: int, record: ExitRecord) -> list[str]:
    why = record.why
    size = size_text(record.held_kb)
    return [
        f"        ApplicationExitInfo #{number}:",
        f"          timestamp={stamp(record.when, WITH_YEAR)} pid={record.pid} "
        f"realUid={record.uid} packageUid={record.uid} definingUid={record.uid} user=0",
        f"          process={record.process} reason={why.reason} ({why.name}) "
        f"subreason={why.subreason} ({why.subname}) status={record.status}",
        f"          importance={record.importance} pss={size} rss={size} "
        f"description={why.description} state=empty trace=null",
    ]
