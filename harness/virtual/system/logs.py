"""The phone's log: ring buffers, and lines in logcat's formats."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

BUFFERS = ("main", "system", "radio", "events", "crash")
DEFAULT_BUFFERS = ("main", "system", "crash")
PRIORITIES = "VDIWEFS"
_CAPACITY = 4000
_MESSAGE_BYTES = 4000  # LOGGER_ENTRY_MAX_PAYLOAD is 4068 with tag and priority


@dataclass(frozen=True)
class Entry:
    """One entry of a buffer.

    Args:
        sequence: Its number among all entries of the phone.
        when: Seconds since 1970.
        buffer: Its buffer.
        priority: One letter of ``PRIORITIES``.
        tag: Who says it.
        message: What; may have several lines.
        pid: Phone pid.
        tid: Thread, as a phone pid.
        uid: User.
    """

    sequence: int
    when: float
    buffer: str
    priority: str
    tag: str
    message: str
    pid: int
    tid: int
    uid: int
    values: tuple[object, ...] | None = None
    """What an entry of the buffer ``events`` holds; None in the others."""


class LogStore:
    """All buffers of one phone.

    Args:
        clock: Gives seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[str, deque[Entry]] = {b: deque(maxlen=_CAPACITY) for b in BUFFERS}
        self._before_reboot: list[Entry] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()

    def add(
        self,
        tag: str,
        message: str,
        *,
        priority: str = "I",
        buffer: str = "main",
        pid: int = 1000,
        tid: int | None = None,
        uid: int = 1000,
        values: tuple[object, ...] | None = None,
    ) -> None:
        """Append an entry and wake those who follow."""
        self._entries[buffer].append(
            Entry(
                next(self._numbers),
                self._clock(),
                buffer,
                priority,
                tag,
                message[:_MESSAGE_BYTES],
                pid,
                pid if tid is None else tid,
                uid,
                values,
            )
        )
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def event(self, tag: str, values: Iterable[object], *, pid: int = 1000) -> None:
        """Append to the events buffer, as logcat prints a list: ``[a,b,c]``."""
        listed = tuple(values)
        text = ",".join(map(str, listed))
        self.add(tag, f"[{text}]", buffer="events", pid=pid, values=listed)

    def entries(self, buffers: Iterable[str], after: int = -1) -> list[Entry]:
        """Return entries of some buffers later than number ``after``, in order."""
        found: list[Entry] = []
        for buffer in buffers:  # from the newest on: who follows the log has seen nearly all
            newest = reversed(self._entries[buffer])
            found += itertools.takewhile(lambda entry: entry.sequence > after, newest)
        return sorted(found, key=lambda entry: entry.sequence)

    def clear(self, buffers: Iterable[str]) -> None:
        """Empty some buffers."""
        for buffer in buffers:
            self._entries[buffer].clear()

    def reboot(self) -> None:
        """Empty all buffers, and keep what was in them as a phone's pstore does."""
        self._before_reboot = self.entries(BUFFERS)
        self.clear(BUFFERS)

    def before_reboot(self, buffers: Iterable[str]) -> list[Entry]:
        """Return entries of some buffers from before the last reboot, in order."""
        wanted = set(buffers)
        return [entry for entry in self._before_reboot if entry.buffer in wanted]

    async def wait_new(self) -> None:
        """Wait for the next entry."""
        await self._changed.wait()


WITH_YEAR = frozenset({"year"})


def stamp(when: float, modifiers: frozenset[str] = frozenset()) -> str:
    """Return a time as logcat prints it: ``MM-DD HH:MM:SS.mmm``, in the phone's zone.

    Args:
        when: Seconds since 1970.
        modifiers: Of year, epoch, usec, nsec, zone and UTC.
    """
    digits = 9 if "nsec" in modifiers else 6 if "usec" in modifiers else 3
    seconds, fraction = divmod(int(when * 10**digits), 10**digits)
    if "epoch" in modifiers:
        return f"{seconds}.{fraction:0{digits}d}"
    shown = time.gmtime(seconds) if "UTC" in modifiers else time.localtime(seconds)
    text = time.strftime("%Y-%m-%d %H:%M:%S" if "year" in modifiers else "%m-%d %H:%M:%S", shown)
    zone = time.strftime(" %z", shown) if "zone" in modifiers else ""
    return f"{text}.{fraction:0{digits}d}{zone}"


# Of 256 colours. Source: AOSP ``liblog/logprint.cpp``, ``colorFromPri``.
_COLORS = {"D": 75, "I": 40, "W": 166, "E": 196, "F": 196}
_WHITE = 231


def format_entry(entry: Entry, style: str, modifiers: frozenset[str] = frozenset()) -> str:
    """Return an entry's lines. Source of the formats: AOSP ``liblog/logprint.cpp``.

    Args:
        entry: The entry.
        style: brief, process, tag, thread, raw, time, threadtime or long.
        modifiers: Of year, epoch, usec, nsec, zone, UTC, uid and color.
    """
    when = stamp(entry.when, modifiers)
    uid = f"{entry.uid:>5} " if "uid" in modifiers else ""
    p, tag, pid, tid = entry.priority, entry.tag, entry.pid, entry.tid
    begin, end = "", "\n"
    if modifiers & {"color", "colour"}:
        begin, end = f"\x1b[38;5;{_COLORS.get(p, _WHITE)}m", "\x1b[0m\n"
    if style == "long":
        head = f"{begin}[ {when} {uid}{pid:>5}:{tid:>5} {p}/{tag:<8} ]\n"
        return f"{head}{entry.message}{end}\n"
    prefix = {
        "brief": f"{p}/{tag:<8}({uid}{pid:>5}): ",
        "process": f"{p}({uid}{pid:>5}) ",
        "tag": f"{p}/{tag:<8}: ",
        "thread": f"{p}({uid}{pid:>5}:{tid:>5}) ",
        "raw": "",
        "time": f"{when} {p}/{tag:<8}({uid}{pid:>5}): ",
        "threadtime": f"{when} {uid}{pid:>5} {tid:>5} {p} {tag:<8}: ",
    }[style]
    suffix = f"  ({tag}){end}" if style == "process" else end
    return "".join(f"{begin}{prefix}{line}{suffix}" for line in entry.message.split("\n"))
