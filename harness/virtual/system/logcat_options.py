"""The options and filters of ``logcat`` (pure). Source: AOSP ``logcat.cpp``."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass, field

from harness.virtual.system.logs import BUFFERS, DEFAULT_BUFFERS, PRIORITIES, Entry

_STYLES = ("brief", "process", "tag", "thread", "raw", "time", "threadtime", "long")
_MODIFIERS = frozenset(
    """
    UTC color colour descriptive epoch monotonic nsec printable uid usec year zone
    """.split()  # noqa: SIM905 - a table of words
)
_NEED_VALUE = frozenset("bvtTmfrnGPeM")
_WORDS = {
    "--buffer": "b",
    "--format": "v",
    "--clear": "c",
    "--binary": "B",
    "--dump": "d",
    "--file": "f",
    "--grep": "e",
    "--rotate-count": "n",
    "--rotate-kbytes": "r",
    "--regex": "e",
    "--max-count": "m",
    "--print": "I",
    "--pid": "p!",
    "--uid": "u!",
    "--prune": "p",
    "--buffer-size": "g",
    "--statistics": "S",
    "--dividers": "D",
    "--last": "L",
    "--wrap": "I",
}
_WITH_VALUE = {"g": "G", "p": "P"}
"""What a word that may have a value ("=") asks for if it has one."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_BUFFER_BYTES = (64 << 10, 256 << 20)
"""Least and greatest size of a buffer. Source: AOSP ``log/log_read.h``."""


class UsageError(Exception):
    """An option is unknown, or its value is."""


@dataclass
class Asked:
    """What ``logcat`` shall do; one field an option.

    Args:
        other: Letter of an option that shows or sets something else than the log.
        value: Its value.
        file: Where to write instead of standard output, as the caller names it.
    """

    buffers: list[str] = field(default_factory=list)
    style: str = "threadtime"
    modifiers: set[str] = field(default_factory=set)
    follow: bool = True
    before_reboot: bool = False
    dividers: bool = False
    clear: bool = False
    other: str = ""
    value: str = ""
    binary: bool = False
    file: str = ""
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


def parse_options(args: list[str]) -> Asked:
    """Read all options and filters.

    Raises:
        UsageError: One of them is wrong.
    """
    asked = Asked()
    left = list(args)
    while left:
        word = left.pop(0)
        if word.startswith("--"):
            name, has_value, value = word.partition("=")
            option = _WORDS.get(name)
            if option is None:
                raise UsageError(f"Unrecognized Option {word}")
            if has_value:
                option = _WITH_VALUE.get(option, option)
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
        raise UsageError(f"option requires an argument -- {option}")
    return left.pop(0)


def _take(asked: Asked, option: str, value: str) -> None:
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
            raise UsageError(f"Invalid regex {value!r}: {error}") from error
    elif option == "p!":
        asked.pid = _number(value)
    elif option == "u!":
        asked.uids = frozenset(_number(part) for part in value.split(","))
    elif option == "G":
        asked.other, asked.value = option, str(parse_size(value))
    elif option in ("g", "p", "P", "S"):
        asked.other, asked.value = option, value
    elif option == "L":
        asked.before_reboot, asked.follow = True, False
    elif option == "D":
        asked.dividers = True
    elif option == "B":
        asked.binary = True
    elif option == "f":
        asked.file = value
    elif option not in ("r", "n", "I", "M"):  # of files that are rotated, and of old kernels
        raise UsageError(f"Unrecognized Option -{option}")


def parse_size(text: str) -> int:
    """Return the bytes of ``256K`` or ``1M``.

    Raises:
        UsageError: No size, or not one that a buffer may have.
    """
    match = re.fullmatch(r"(\d+)([KMG]?)", text.strip())
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not _BUFFER_BYTES[0] <= size <= _BUFFER_BYTES[1]:
        raise UsageError(f"{text} is not a valid size of a log buffer")
    return size


def _buffers(value: str) -> list[str]:
    buffers: list[str] = []
    for name in value.split(","):
        if name == "all":
            buffers += BUFFERS
        elif name == "default":
            buffers += DEFAULT_BUFFERS
        elif name in BUFFERS:
            buffers.append(name)
        elif name not in ("kernel", "security", "stats"):  # there, but not for the shell
            raise UsageError(f"Unknown buffer '{name}'")
    return buffers


def _style(asked: Asked, value: str) -> None:
    for name in value.split(","):
        if name in _STYLES:
            asked.style = name
        elif name in _MODIFIERS:
            asked.modifiers.add(name)
        else:
            raise UsageError(f"Invalid parameter '{name}' to -v")


def _from(asked: Asked, value: str) -> None:
    if value.isdigit():
        asked.tail = max(1, int(value))  # a phone takes 0 for 1
        return
    try:
        asked.since = parse_time(value)
    except ValueError:
        raise UsageError(f"-T '{value}' not in time format") from None


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
    for form, dated in (("%Y-%m-%d %H:%M:%S", head), ("%Y-%m-%d %H:%M:%S", f"{current}-{head}")):
        with contextlib.suppress(ValueError):
            return time.mktime(time.strptime(dated, form)) + part
    raise ValueError(text)


def _filter(asked: Asked, word: str) -> None:
    tag, colon, priority = word.partition(":")
    letter = (priority or ("V" if tag != "*" else "D"))[0].upper() if colon or tag else "V"
    letter = PRIORITIES[0] if letter == "*" else letter
    if letter not in PRIORITIES or not tag:
        raise UsageError(f"Invalid filter expression '{word}'")
    if tag == "*":
        asked.default = letter
    else:
        asked.tags[tag] = letter


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"not a number: {value!r}") from None
