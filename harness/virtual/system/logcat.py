"""``logcat`` and ``log``."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field

from harness.virtual.system.call import Call
from harness.virtual.system.logs import (
    BUFFERS,
    DEFAULT_BUFFERS,
    PRIORITIES,
    Entry,
    LogStore,
    format_entry,
)
from harness.virtual.system.service import Answers, System

_STYLES = ("brief", "process", "tag", "thread", "raw", "time", "threadtime", "long")
_MODIFIERS = frozenset(
    {"year", "epoch", "uid", "usec", "nsec", "printable", "color", "zone", "UTC"}
)
_NEED_VALUE = frozenset("bvtTmfrnGPeM")
_WORDS = {
    "--buffer": "b",
    "--format": "v",
    "--clear": "c",
    "--dump": "d",
    "--regex": "e",
    "--max-count": "m",
    "--print": "x",
    "--pid": "p!",
    "--uid": "u!",
    "--prune": "P",
    "--buffer-size": "g",
    "--statistics": "S",
    "--dividers": "D",
    "--last": "L",
    "--wrap": "x",
}
_SIZE = "ring buffer is 256 KiB (0 B consumed), max entry is 5120 B, max payload is 4068 B"


class _UsageError(Exception):
    pass


@dataclass
class _Asked:
    buffers: list[str] = field(default_factory=list)
    style: str = "threadtime"
    modifiers: set[str] = field(default_factory=set)
    follow: bool = True
    before_reboot: bool = False
    dividers: bool = False
    clear: bool = False
    other: str = ""
    tail: int | None = None
    since: float | None = None
    pid: int | None = None
    uids: frozenset[int] | None = None
    most: int | None = None
    regex: re.Pattern[str] | None = None
    default: str = "V"
    tags: dict[str, str] = field(default_factory=dict)

    def wants(self, entry: Entry) -> bool:
        """Tell whether an entry passes the filters."""
        if self.pid is not None and entry.pid != self.pid:
            return False
        if self.uids is not None and entry.uid not in self.uids:
            return False
        least = self.tags.get(entry.tag, self.default)
        if least == "S" or PRIORITIES.index(entry.priority) < PRIORITIES.index(least):
            return False
        return self.regex is None or self.regex.search(entry.message) is not None


async def logcat(call: Call, store: LogStore) -> int:
    """Carry out ``logcat``; it follows the log unless told not to."""
    try:
        asked = _parse(call.args)
    except _UsageError as error:
        call.error(f"logcat: {error}")
        return 1
    buffers = asked.buffers or list(DEFAULT_BUFFERS)
    if asked.clear:
        store.clear(buffers)
        return 0
    if asked.other:
        _other(call, asked.other, buffers)
        return 0
    return await _show(call, store, asked, buffers)


def _other(call: Call, what: str, buffers: list[str]) -> None:
    """Answer what is neither the log nor its clearing; ``-P`` and ``-G`` change nothing here."""
    if what == "g":
        for buffer in buffers:
            call.print(f"{buffer}: {_SIZE}")
    elif what == "p":
        call.print("Default prune list")
    elif what == "S":
        call.print("size/num " + " ".join(buffers))


async def _show(call: Call, store: LogStore, asked: _Asked, buffers: list[str]) -> int:
    shown = store.before_reboot(buffers) if asked.before_reboot else store.entries(buffers)
    entries = [e for e in shown if asked.wants(e)]
    if asked.since is not None:
        entries = [e for e in entries if e.when >= asked.since]
    if asked.tail is not None:
        entries = entries[-asked.tail :] if asked.tail else []
    last = max((e.sequence for e in store.entries(buffers)), default=-1)
    seen: list[str] = []
    left = asked.most
    left = _put(call, entries, asked, seen, left)
    await call.flush()
    if not asked.follow or left == 0:
        return 0
    gone = asyncio.ensure_future(call.wait_gone())
    try:
        while not gone.done():
            new = asyncio.ensure_future(store.wait_new())
            fresh = store.entries(buffers, last)
            if not fresh:
                await asyncio.wait({gone, new}, return_when=asyncio.FIRST_COMPLETED)
            new.cancel()
            if fresh:
                last = fresh[-1].sequence
                left = _put(call, [e for e in fresh if asked.wants(e)], asked, seen, left)
                await call.flush()
                if left == 0:
                    return 0
    finally:
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
    return 0


def _put(
    call: Call, entries: list[Entry], asked: _Asked, seen: list[str], left: int | None
) -> int | None:
    """Print entries; return how many more may come (None: any number).

    Args:
        call: Who asked.
        entries: What to print.
        asked: How.
        seen: Buffers that were printed already, the one printed last at the end; kept up to date.
        left: How many may be printed.
    """
    style, modifiers = asked.style, frozenset(asked.modifiers)
    for entry in entries:
        if left == 0:
            break
        new = entry.buffer not in seen
        if new or (asked.dividers and entry.buffer != seen[-1]):
            call.print(f"--------- {'beginning of' if new else 'switch to'} {entry.buffer}")
            if not new:
                seen.remove(entry.buffer)
            seen.append(entry.buffer)
        call.print(format_entry(entry, style, modifiers), end="")
        left = None if left is None else left - 1
    return left


def _parse(args: list[str]) -> _Asked:
    asked = _Asked()
    left = list(args)
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            name, has_value, value = word.partition("=")
            option = _WORDS.get(name)
            if option is None:
                raise _UsageError(f"Unrecognized Option {word}")
            needs = option.endswith("!") or option in _NEED_VALUE
            if needs and not has_value:
                value = _value(left, name)
            _take(asked, option, value)
        elif word.startswith("-") and len(word) > 1:
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in _NEED_VALUE:
                    _take(asked, letter, letters or _value(left, f"-{letter}"))
                    break
                _take(asked, letter, "")
        else:
            _filter(asked, word)
    return asked


def _value(left: list[str], option: str) -> str:
    if not left:
        raise _UsageError(f"option requires an argument -- {option}")
    return left.pop(0)


def _take(asked: _Asked, option: str, value: str) -> None:
    if option == "b":
        asked.buffers += _buffers(value)
    elif option == "v":
        _style(asked, value)
    elif option == "c":
        asked.clear = True
    elif option == "d":
        asked.follow = False
    elif option in "tT":
        asked.follow = asked.follow and option == "T"
        _from(asked, value)
    elif option == "s":
        asked.default = "S"
    elif option == "m":
        asked.most = _number(value)
    elif option == "e":
        try:
            asked.regex = re.compile(value)
        except re.error as error:
            raise _UsageError(f"Invalid regex {value!r}: {error}") from error
    elif option == "p!":
        asked.pid = _number(value)
    elif option == "u!":
        asked.uids = frozenset(_number(part) for part in value.split(","))
    elif option in ("g", "G", "p", "P", "S"):
        asked.other = option
    elif option == "L":
        asked.before_reboot, asked.follow = True, False
    elif option == "D":
        asked.dividers = True
    elif option not in ("x", "f", "r", "n", "B", "I", "M"):
        raise _UsageError(f"Unrecognized Option -{option}")


def _buffers(value: str) -> list[str]:
    found: list[str] = []
    for name in value.split(","):
        if name == "all":
            found += BUFFERS
        elif name == "default":
            found += DEFAULT_BUFFERS
        elif name in BUFFERS:
            found.append(name)
        elif name not in ("kernel", "security", "stats"):  # there, but not for the shell
            raise _UsageError(f"Unknown buffer '{name}'")
    return found


def _style(asked: _Asked, value: str) -> None:
    for name in value.split(","):
        if name in _STYLES:
            asked.style = name
        elif name in _MODIFIERS:
            asked.modifiers.add(name)
        else:
            raise _UsageError(f"Invalid parameter '{name}' to -v")


def _from(asked: _Asked, value: str) -> None:
    if value.isdigit():
        asked.tail = int(value)
        return
    try:
        asked.since = parse_time(value)
    except ValueError:
        raise _UsageError(f"-T '{value}' not in time format") from None


def parse_time(text: str, now: float | None = None) -> float:
    """Return the seconds since 1970 of ``MM-DD HH:MM:SS.mmm``, with a year, or of a number.

    Raises:
        ValueError: None of them.
    """
    head, _, fraction = text.partition(".")
    part = float(f"0.{fraction}") if fraction else 0.0
    if head.isdigit():
        return int(head) + part
    current = time.localtime(now).tm_year
    for form, given in (("%Y-%m-%d %H:%M:%S", head), ("%Y-%m-%d %H:%M:%S", f"{current}-{head}")):
        with contextlib.suppress(ValueError):
            return time.mktime(time.strptime(given, form)) + part
    raise ValueError(text)


def _filter(asked: _Asked, word: str) -> None:
    tag, colon, priority = word.partition(":")
    letter = (priority or ("V" if tag != "*" else "D"))[0].upper() if colon or tag else "V"
    letter = PRIORITIES[0] if letter == "*" else letter
    if letter not in PRIORITIES or not tag:
        raise _UsageError(f"Invalid filter expression '{word}'")
    if tag == "*":
        asked.default = letter
    else:
        asked.tags[tag] = letter


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise _UsageError(f"not a number: {value!r}") from None


def log(call: Call, store: LogStore) -> int:
    """Carry out ``log [-p PRIORITY] [-t TAG] MESSAGE...``."""
    priority, tag = "I", "log"
    left = list(call.args)
    while left and left[0] in ("-p", "-t"):
        option = left.pop(0)
        if not left:
            call.error(f"log: {option} needs a value")
            return 1
        value = left.pop(0)
        if option == "-t":
            tag = value
        elif value[:1].upper() in PRIORITIES[:-1] and value:
            priority = value[0].upper()
        else:
            call.error(f"log: bad -p '{value}'")
            return 1
    if not left:
        call.error("usage: log [-p PRI] [-t TAG] MESSAGE...")
        return 1
    store.add(tag, " ".join(left), priority=priority, uid=2000)
    return 0


class LogCommands:
    """``log`` and ``logcat``.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._logs = system.logs
        self.answers = Answers(
            commands={
                "log": lambda call: log(call, self._logs),
                "logcat": lambda call: logcat(call, self._logs),
            }
        )
