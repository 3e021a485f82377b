"""Who was killed while the pressure was on: trainer, ballast, bystanders.

A kill is never concluded from a lost pid alone: lmkd's and ActivityManager's log lines and the exit
records are put together by pid (``dumpsys activity exit-info``: Android 11 and later).
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from harness.adb.errors import AdbError
from harness.adb.logcat import log_problem
from harness.adb.phone import Phone
from harness.readings import (
    REASON_LOW_MEMORY,
    KillLine,
    ReadingError,
    parse_exit_info,
    parse_lmk,
)

Role = Literal["trainer", "ballast", "bystander"]

_NAMED_KILLERS = frozenset({"lmkd", "killinfo"})
_NAMING = frozenset({"lmkd", "killinfo", "am_kill", "am_killing", "am_proc_died", "am_died"})
_CLOCK_MOVED_S = 2.0
_CLOCK = "date +'%Y-%m-%d %H:%M:%S.%N'; cat /proc/uptime"
"""An old ``date`` has no ``%N`` and prints something else: its clock is known to a second."""
_NANOSECONDS = re.compile(r"[0-9]{9}")
_MEMORY_WORDS = ("low mem", "lmk", "empty", "cached", "swap low", "oom")
_EPOCH = datetime(1970, 1, 1)
_SLACK = timedelta(seconds=2)
_LINE_TIME = re.compile(r"\s*((?:[0-9]{4}-)?[0-9]{2}-[0-9]{2} [0-9:.]{8,15})")
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
    open_kills: dict[int, tuple[Kill, set[str]]] = {}
    kills: list[Kill] = []
    for line in lines:
        if line.pid is None:
            continue
        seen = open_kills.get(line.pid)
        # one process is named once by each: a second time it is another process with its pid
        if seen is not None and not (line.source in _NAMING and line.source in seen[1]):
            kill, sources = seen
            sources.add(line.source)
            kill.evidence.append(line.line)
            if line.source == "lmkd" and line.reason:
                kill.reason = f"lmkd: {line.reason}"
            continue
        process = known.get(line.pid) or line.process
        reason = _memory_reason(line)
        if process is None or reason is None:
            continue
        kill = Kill(process, line.pid, role_of(process, package), reason, line.time, [line.line])
        open_kills[line.pid] = (kill, {line.source})
        kills.append(kill)
    return kills


def _memory_reason(line: KillLine) -> str | None:
    reason = line.reason or ""
    if line.source in _NAMED_KILLERS:
        return f"lmkd: {reason}" if reason else "lmkd"
    if line.source in ("am_kill", "am_killing"):
        memory = any(word in reason.lower() for word in _MEMORY_WORDS)
        return f"ActivityManager: {reason}" if memory else None
    return None


class KillWatch:
    """Collects kills from a phone's logs since `setup`.

    Args:
        phone: The phone.
        package: The trainer's package.
        timeout_s: Limit of one command.
    """

    def __init__(self, phone: Phone, package: str, timeout_s: float = 30.0) -> None:
        self._phone = phone
        self._package = package
        self._timeout_s = timeout_s
        self._since = ""
        self._said = ""
        self._began: timedelta | None = None
        self._latest = timedelta()
        self._boots: list[timedelta] = []
        """The phone's clock at its boot, as it would have been by the clock of each moment."""
        self._year = 1970
        self.known: dict[int, str] = {}
        """Names by pid of our own processes, as they were seen alive."""
        self.notes: list[str] = []
        """Things a reader of the result must know, in words."""

    def setup(self) -> None:
        """Note the phone's clock: only later lines count."""
        self._note(self._phone.shell(_CLOCK, timeout_s=self._timeout_s).stdout)

    def _note(self, clock_text: str) -> None:
        self._said = clock_text
        now = self._clock(clock_text)
        if now is None:
            return  # without a clock every line of the log counts, and none has a time of ours
        clock, uptime = now
        self._year = clock.year
        self._since = clock.strftime("%m-%d %H:%M:%S.000")
        self._began = uptime
        self._boots = [clock - _EPOCH - uptime]

    @property
    def since(self) -> str:
        """What `setup` read of the phone's clock, for `take_up`."""
        return self._said

    def take_up(self, since: str) -> None:
        """Count from the moment that an earlier host noted, as `since` told it."""
        self._note(since)

    @staticmethod
    def _clock(text: str) -> tuple[datetime, timedelta] | None:
        rows = text.splitlines()
        try:
            whole, _, fraction = rows[0].strip().partition(".")
            clock = datetime.strptime(whole, _TIME_FORMATS[1])
            if _NANOSECONDS.fullmatch(fraction):
                clock += timedelta(microseconds=int(fraction) // 1000)
            return clock, timedelta(seconds=float(rows[1].split()[0]))
        except (ValueError, IndexError, OverflowError):
            return None

    def _see_clock(self) -> None:
        """Notice a clock that was set meanwhile: the log's times are then of two clocks."""
        now = self._clock(self._phone.shell(_CLOCK, timeout_s=self._timeout_s).stdout)
        if now is None or not self._boots:
            return
        self._latest = now[1]
        boot = now[0] - _EPOCH - now[1]
        moved = (boot - self._boots[-1]).total_seconds()
        if abs(moved) > _CLOCK_MOVED_S:
            self._boots.append(boot)
            self.notes.append(
                f"The phone's clock was set by {moved:+.0f} s while the pressure was on: the times "
                "of kills are told as well as can be."
            )

    def log(self) -> str:
        """Return the phone's log since `setup` (main, system and events buffers)."""
        self._see_clock()
        moved = len(self._boots) > 1
        since = f" -T {shlex.quote(self._since)}" if self._since and not moved else ""
        result = self._phone.shell(
            f"logcat -d -b main,system,events -v threadtime{since} "
            "-s lowmemorykiller:* killinfo:* am_kill:* am_proc_died:* ActivityManager:* Zygote:*",
            timeout_s=self._timeout_s,
        )
        if problem := log_problem(result):
            self._say(f"The phone's log of kills could not be read: {problem}.")
        text = result.stdout
        if not moved:
            return text
        ours = [line for line in text.splitlines() if self.t_ms(_time_of(line)) is not None]
        return "\n".join(ours)

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def kills(self) -> list[Kill]:
        """Return all kills for memory since `setup`, with the exit records of our own processes."""
        kills = find_kills(parse_lmk(self.log()).kills, self._package, self.known)
        self._add_exit_records(kills)
        return kills

    def _add_exit_records(self, kills: list[Kill]) -> None:
        try:
            text = self._phone.shell(
                f"dumpsys activity exit-info {shlex.quote(self._package)}",
                timeout_s=self._timeout_s,
            ).stdout
            records = parse_exit_info(text).records
        except (ReadingError, AdbError):
            return  # Android 10 and older have no such records
        by_pid = {kill.pid: kill for kill in kills}
        for record in records:
            if record.reason != REASON_LOW_MEMORY or record.pid is None:
                continue
            if self._boots and record.timestamp and self.t_ms(record.timestamp) is None:
                continue  # an older process that had this pid
            text = f"exit-info: pid={record.pid} reason=3 (LOW_MEMORY) at {record.timestamp}"
            kill = by_pid.get(record.pid)
            if kill is not None:
                kill.evidence.append(text)
                continue
            name = self.known.get(record.pid)
            if name is None:
                continue  # it was not seen alive by us, and no log line of ours names it
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
        """Return a log time on the phone's boot clock.

        None if it cannot be known, or lies before `setup`.
        """
        if time is None or self._began is None:
            return None
        # a log line has no year; the clock of setup speaks first, for what was logged by it
        texts = [time] if time[4:5] == "-" else [f"{self._year + n}-{time}" for n in (0, 1)]
        for boot in self._boots:
            for text in texts:
                at = _moment(text)
                if at is not None and self._in_spell(at - boot):
                    return round((at - boot).total_seconds() * 1000)
        return None

    def _in_spell(self, uptime: timedelta) -> bool:
        if self._began is None or uptime < self._began - _SLACK:
            return False
        # one clock has no other to be told from, and kills may come after the last look at it
        return len(self._boots) == 1 or uptime <= self._latest + _SLACK


def _moment(text: str) -> timedelta | None:
    for form in _TIME_FORMATS:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form) - _EPOCH
    return None


def _time_of(line: str) -> str | None:
    match = _LINE_TIME.match(line)
    return match[1] if match else None
