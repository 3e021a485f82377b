"""The sampler's file: framed records of text (pure). Written by ``loop.sh``, read in any pieces.

A line of a frame starts with the sampler's token. A frame counts once its ``end`` line is there;
what is cut short (a killed sampler, a torn tail) is dropped and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_MARK = b"\n#s"
"""What every line of a frame begins with; the rest of the token follows."""
_TOKEN = re.compile(r"[0-9a-f]{8}")
_LONGEST_MARKER = 250
_BARE = frozenset({"header", "frame", "end", "stopped"})
"""Lines without a section below them."""
_SECTION = re.compile(r"[a-z][a-z0-9_]{0,30}")
_TIME = re.compile(r"([0-9]{1,12})\.([0-9]{2})", re.ASCII)


@dataclass(frozen=True)
class Header:
    """One start of the sampler on the phone."""

    origin_ms: int
    """Uptime at which tick 0 was due."""
    period_ms: int
    pid: int
    clock_ticks: int
    """Clock ticks a second (USER_HZ)."""
    page_kb: int
    epoch_s: int | None
    """The phone's wall clock at the origin."""

    def due_ms(self, number: int) -> int:
        """Uptime at which a tick is due."""
        return self.origin_ms + number * self.period_ms


class Answer(NamedTuple):
    """What the battery service printed, and in which tick it was asked: it joins a later frame."""

    number: int
    data: bytes
    proto: bool
    """A protobuf message, not text."""


class Slow(NamedTuple):
    """What a slow command printed, and when it began and ended (uptime)."""

    began_ms: int
    ended_ms: int
    data: bytes
    proto: bool
    """A protobuf message, not text."""


class Frame(NamedTuple):
    """One tick: the raw texts by section name."""

    header: Header
    number: int
    start_ms: int
    end_ms: int
    pid: int | None
    """The sampled process, None while there is none."""
    sections: dict[str, str]
    """Text of the kernel: ``self``, ``stat``, ``meminfo``, ``pid_stat``, ``pid_statm``,
    ``pid_status``, and files that readings add."""
    slow: dict[str, Slow]
    """What commands printed that ran beside the loop, by name."""
    battery: Answer | None = None


class Stopped(NamedTuple):
    """The sampler's last words."""

    header: Header
    reason: str
    """``stop`` asked by the host, ``lease`` host is gone, ``size`` too big, ``gone`` no folder."""
    number: int
    battery: Answer | None = None


@dataclass
class _Open:
    """A frame that has begun."""

    number: int
    start_ms: int
    pid: int | None
    sections: dict[str, str] = field(default_factory=dict)
    battery: Answer | None = None
    slow: dict[str, Slow] = field(default_factory=dict)


def _ms(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    return int(match[1]) * 1000 + int(match[2]) * 10 if match else None


def _int(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


class FrameReader:
    """Turns the bytes of the file, in any pieces, into frames.

    The bytes are cut at the beginnings of marker lines, never line by line: most of a frame is
    lines of kernel files that nobody asks for.

    Attributes:
        dropped: Frames that were begun and never ended.
        header: The header of the current start of the sampler, None before the first.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.header: Header | None = None
        self._token = ""
        self._rest = b"\n"
        self._open: _Open | None = None
        self._tail_battery: Answer | None = None

    def feed(self, data: bytes) -> list[Frame | Stopped]:
        """Take the next bytes of the file; return what they complete, in order."""
        pieces = (self._rest + data).split(_MARK)
        items: list[Frame | Stopped] = []
        section: tuple[list[str], list[bytes]] | None = None
        unread = pieces[:1]
        last = len(pieces) - 1
        for index, piece in enumerate(pieces[1:], 1):
            line, ends, body = piece.partition(b"\n")
            if not ends and index == last:
                unread.append(piece)  # a line that is not complete yet
                break
            words = self._words(line)
            if not words:
                unread.append(piece)  # some reading printed it: it belongs to the section
                if section is not None:
                    section[1].append(piece)
                continue
            if section is not None:
                self._close_section(*section)
                section = None
            if words[1] in _BARE:
                item = self._take(words[0], words[1], words[2:])
                if item is not None:
                    items.append(item)
                unread = [ends + body]
            else:
                section = (words[1:], [body])
                unread = [b"", piece]
        self._rest = _MARK.join(unread)
        return items

    def _words(self, line: bytes) -> list[str]:
        """Return a marker line's token, name and values; none if it is no marker line."""
        if len(line) > _LONGEST_MARKER or not line.isascii():
            return []
        words = line.decode().split()
        if len(words) < 2:
            return []
        if words[0] == self._token or (words[1] == "header" and _TOKEN.fullmatch(words[0])):
            return words
        return []

    def _take(self, token: str, name: str, words: list[str]) -> Frame | Stopped | None:
        if name == "header":
            self._begin(token, words)
        elif name == "frame":
            self._begin_frame(words)
        elif name == "end":
            return self._end_frame(words)
        elif name == "stopped" and self.header is not None and len(words) == 2:
            self._drop_open()
            number = _int(words[1])
            if number is not None:
                return Stopped(self.header, words[0], number, self._tail_battery)
        return None

    def _begin(self, token: str, words: list[str]) -> None:
        if len(words) != 7 or words[0] != "1":
            return
        origin = _ms(words[1])
        period, pid, ticks, page = (_int(word) for word in words[2:6])
        if origin is None or not period or pid is None or not ticks or not page:
            return
        self._drop_open()
        self._token = token
        self._tail_battery = None
        self.header = Header(origin, period * 10, pid, ticks, page, _int(words[6]))

    def _begin_frame(self, words: list[str]) -> None:
        self._drop_open()
        number = _int(words[0]) if words else None
        start = _ms(words[1]) if len(words) > 1 else None
        if number is not None and start is not None:
            self._open = _Open(number, start, _int(words[2]) if len(words) > 2 else None)

    def _end_frame(self, words: list[str]) -> Frame | None:
        opened, self._open = self._open, None
        end = _ms(words[1]) if len(words) == 2 else None
        if opened is None or self.header is None or end is None or _int(words[0]) != opened.number:
            self.dropped += opened is not None
            return None
        return Frame(
            header=self.header,
            number=opened.number,
            start_ms=opened.start_ms,
            end_ms=end,
            pid=opened.pid,
            sections=opened.sections,
            slow=opened.slow,
            battery=opened.battery,
        )

    def _drop_open(self) -> None:
        if self._open is not None:
            self.dropped += 1
            self._open = None

    def _close_section(self, head: list[str], pieces: list[bytes]) -> None:
        """Take a section; how many values stand beside its name says what it is."""
        name, *values = head
        data = pieces[0] if len(pieces) == 1 else _MARK.join(pieces)
        if not _SECTION.fullmatch(name):
            return
        if not values:
            if self._open is not None and (text := data.strip(b"\n")):
                self._open.sections[name] = text.decode("utf-8", "replace")
            return
        proto = name.endswith("_proto")
        if not proto:
            data = data.strip(b"\n")
        name = name.removesuffix("_proto")
        if len(values) == 1:
            self._take_battery(values[0], data, proto)
        elif self._open is not None:
            times = [_ms(word) for word in values]
            if len(times) == 2 and times[0] is not None and times[1] is not None:
                self._open.slow[name] = Slow(times[0], times[1], data, proto)

    def _take_battery(self, number: str, data: bytes, proto: bool) -> None:
        tick = _int(number)
        if tick is None or not data:
            return
        if self._open is None:
            self._tail_battery = Answer(tick, data, proto)
        else:
            self._open.battery = Answer(tick, data, proto)
