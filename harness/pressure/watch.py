"""Who was killed while the pressure was on: trainer, ballast, bystanders.

A kill is never concluded from a lost pid alone: lmkd's and ActivityManager's log lines and the exit
records are put together by pid (``dumpsys activity exit-info``: Android 11 and later).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from harness.adb.errors import AdbError
from harness.pressure.phone import PressurePhone
from harness.readings import (
    REASON_LOW_MEMORY,
    KillLine,
    ReadingError,
    parse_exit_info,
    parse_lmk,
)

Role = Literal["trainer", "ballast", "bystander"]

_NAMED_KILLERS = frozenset({"lmkd", "killinfo"})
_MEMORY_WORDS = ("low mem", "lmk", "empty", "cached", "swap low", "oom")
_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")


@dataclass
class Kill:
    """One killed process and all lines that speak of it."""

    process: str
    pid: int | None
    role: Role
    reason: str
    time: str | None
    evidence: list[str] = field(default_factory=list)


def role_of(process: str, package: str) -> Role:
    """Return what a process is to the bench, by its name."""
    if process == package:
        return "trainer"
    return "ballast" if process.startswith(f"{package}:ballast") else "bystander"


def find_kills(
    lines: Iterable[KillLine], package: str, known: Mapping[int, str] | None = None
) -> list[Kill]:
    """Put log lines together into kills for memory, in the order of the log (pure).

    Counted: what lmkd says it killed, and what ActivityManager killed for memory. Not counted:
    processes that were told to end (``force-stop``, an update, the user) or ended by themselves.
    (The kernel's own killer of old phones leaves no line at all: ballast that is gone is seen by
    the loop.)

    Args:
        lines: Kill lines of the log.
        package: The trainer's package.
        known: Names of processes by pid, for killers that log a pid or a short name only.
    """
    known = known or {}
    by_pid: dict[int, Kill] = {}
    kills: list[Kill] = []
    for line in lines:
        if line.pid is None:
            continue
        seen = by_pid.get(line.pid)
        if seen is not None:
            seen.evidence.append(line.line)
            if line.source == "lmkd" and line.reason:
                seen.reason = f"lmkd: {line.reason}"
            continue
        process = known.get(line.pid) or line.process
        reason = _memory_reason(line)
        if process is None or reason is None:
            continue
        kill = Kill(process, line.pid, role_of(process, package), reason, line.time, [line.line])
        by_pid[line.pid] = kill
        kills.append(kill)
    return kills


def _memory_reason(line: KillLine) -> str | None:
    said = line.reason or ""
    if line.source in _NAMED_KILLERS:
        return f"lmkd: {said}" if said else "lmkd"
    if line.source in ("am_kill", "am_killing"):
        memory = any(word in said.lower() for word in _MEMORY_WORDS)
        return f"ActivityManager: {said}" if memory else None
    return None


class KillWatch:
    """Collects kills from a phone's logs since `setup`.

    Args:
        phone: The phone.
        package: The trainer's package.
        timeout_s: Limit of one command.
    """

    def __init__(self, phone: PressurePhone, package: str, timeout_s: float = 30.0) -> None:
        self._phone = phone
        self._package = package
        self._timeout_s = timeout_s
        self._since = ""
        self._boot_of_clock: timedelta | None = None
        self._year = 1970
        self.known: dict[int, str] = {}
        """Names by pid of our own processes, as they were seen alive."""

    def setup(self) -> None:
        """Note the phone's clock: only later lines count."""
        said = self._phone.shell(
            "date +'%Y-%m-%d %H:%M:%S'; cat /proc/uptime", timeout_s=self._timeout_s
        ).stdout.splitlines()
        try:
            now = datetime.strptime(said[0].strip(), _TIME_FORMATS[1])
            uptime = float(said[1].split()[0])
        except (ValueError, IndexError, OverflowError):
            return  # without a clock every line of the log counts, and none has a time of ours
        self._year = now.year
        self._since = now.strftime("%m-%d %H:%M:%S.000")
        self._boot_of_clock = (now - datetime(1970, 1, 1)) - timedelta(seconds=uptime)

    def log(self) -> str:
        """Return the phone's log since `setup` (main, system and events buffers)."""
        since = f" -T {shlex.quote(self._since)}" if self._since else ""
        return self._phone.shell(
            f"logcat -d -b main,system,events -v threadtime{since} "
            "-s lowmemorykiller:* killinfo:* am_kill:* am_proc_died:* ActivityManager:* Zygote:*",
            timeout_s=self._timeout_s,
        ).stdout

    def kills(self) -> list[Kill]:
        """Return all kills for memory since `setup`, with the exit records of our own processes."""
        kills = find_kills(parse_lmk(self.log()).kills, self._package, self.known)
        self._add_exit_records(kills)
        return kills

    def _add_exit_records(self, kills: list[Kill]) -> None:
        try:
            said = self._phone.shell(
                f"dumpsys activity exit-info {shlex.quote(self._package)}",
                timeout_s=self._timeout_s,
            ).stdout
            records = parse_exit_info(said).records
        except (ReadingError, AdbError):
            return  # Android 10 and older have no such records
        by_pid = {kill.pid: kill for kill in kills}
        for record in records:
            if record.reason != REASON_LOW_MEMORY or record.pid not in self.known:
                continue
            text = f"exit-info: pid={record.pid} reason=3 (LOW_MEMORY) at {record.timestamp}"
            kill = by_pid.get(record.pid)
            if kill is not None:
                kill.evidence.append(text)
                continue
            name = self.known[record.pid]
            kills.append(
                Kill(
                    name,
                    record.pid,
                    role_of(name, self._package),
                    "exit-info: low memory",
                    record.timestamp,
                    [text],
                )
            )

    def t_ms(self, time: str | None) -> int | None:
        """Return a log time on the phone's boot clock, None if it cannot be known."""
        if time is None or self._boot_of_clock is None:
            return None
        text = time if time[4:5] == "-" else f"{self._year}-{time}"
        for form in _TIME_FORMATS:
            try:
                at = datetime.strptime(text, form) - datetime(1970, 1, 1)
            except ValueError:
                continue
            return round((at - self._boot_of_clock).total_seconds() * 1000)
        return None
