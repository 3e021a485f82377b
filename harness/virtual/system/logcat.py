"""``logcat`` and ``log``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import BinaryIO

from harness.virtual.system.call import Call
from harness.virtual.system.log_binary import pack_entry
from harness.virtual.system.logcat_options import Asked, UsageError, parse_options
from harness.virtual.system.logs import (
    BUFFERS,
    DEFAULT_BUFFERS,
    PRIORITIES,
    Entry,
    LogStore,
    format_entry,
)
from harness.virtual.system.phone_files import place_to_write
from harness.virtual.system.service import Answers, System

_BUFFER_BYTES = 256 << 10
_DEFAULT_PRUNE = "~! ~1000/!"


class LogCommands:
    """``log`` and ``logcat``.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._logs = system.logs
        self._root = system.root
        self._sizes = dict.fromkeys(BUFFERS, _BUFFER_BYTES)
        self._prune = _DEFAULT_PRUNE
        self.answers = Answers(
            commands={"log": lambda call: log(call, self._logs), "logcat": self.logcat}
        )

    async def logcat(self, call: Call) -> int:
        """Carry out ``logcat``; it follows the log unless told not to."""
        try:
            asked = parse_options(call.args)
        except UsageError as error:
            call.error(f"logcat: {error}")
            return 1
        buffers = asked.buffers or list(DEFAULT_BUFFERS)
        if asked.clear:
            self._logs.clear(buffers)
            return 0
        if asked.other:
            self._other(call, asked, buffers)
            return 0
        try:
            with contextlib.ExitStack() as files:
                file = None
                if asked.file:
                    host = place_to_write(self._root, call, asked.file)
                    file = files.enter_context(open(host or os.devnull, "ab"))  # noqa: PTH123
                return await _Show(call, asked, file).run(self._logs, buffers)
        except OSError as error:
            call.error(f"logcat: Unable to open '{asked.file}': {error.strerror}")
            return 1

    def _other(self, call: Call, asked: Asked, buffers: list[str]) -> None:
        """Answer what is neither the log nor its clearing; what is set here changes nothing."""
        if asked.other == "G":
            self._sizes.update(dict.fromkeys(buffers, int(asked.value)))
        elif asked.other == "g":
            for buffer in buffers:
                call.print(
                    f"{buffer}: ring buffer is {_size(self._sizes[buffer])} "
                    f"({_size(self._held(buffer))} consumed), max entry is 5120 B, "
                    "max payload is 4068 B"
                )
        elif asked.other == "P":
            self._prune = asked.value or _DEFAULT_PRUNE
        elif asked.other == "p":
            call.print(self._prune)
        elif asked.other == "S":
            self._statistics(call, buffers)

    def _held(self, buffer: str) -> int:
        return sum(len(pack_entry(entry)) for entry in self._logs.entries([buffer]))

    def _statistics(self, call: Call, buffers: list[str]) -> None:
        call.print("size/num" + "".join(f"{name:<17}" for name in buffers) + "Total")
        held = [self._held(name) for name in buffers]
        counts = [len(self._logs.entries([name])) for name in buffers]
        cells = "".join(
            f"{f'{size}/{count}':<17}" for size, count in zip(held, counts, strict=True)
        )
        call.print(f"Total   {cells}{sum(held)}/{sum(counts)}")


class _Show:
    """One showing of the log: what was shown already, and where it goes.

    Args:
        call: Who asked.
        asked: What to show.
        file: Where it goes in place of the caller's standard output.
    """

    def __init__(self, call: Call, asked: Asked, file: BinaryIO | None) -> None:
        self._call = call
        self._asked = asked
        self._file = file
        self._seen: list[str] = []
        self._left = asked.most

    async def run(self, store: LogStore, buffers: list[str]) -> int:
        """Show what is there, then what comes, until enough is shown or nobody reads."""
        asked = self._asked
        shown = store.before_reboot(buffers) if asked.before_reboot else store.entries(buffers)
        entries = [entry for entry in shown if asked.wants(entry)]
        if asked.since is not None:
            entries = [entry for entry in entries if entry.when >= asked.since]
        if asked.tail is not None:
            entries = entries[-asked.tail :]
        last = shown[-1].sequence if shown else -1
        await self._put(entries)
        if not asked.follow or self._left == 0:
            return 0
        gone = asyncio.ensure_future(self._call.wait_gone())
        try:
            while not gone.done():
                new = asyncio.ensure_future(store.wait_new())
                fresh = store.entries(buffers, last)
                if not fresh:
                    await asyncio.wait({gone, new}, return_when=asyncio.FIRST_COMPLETED)
                new.cancel()
                if fresh:
                    last = fresh[-1].sequence
                    await self._put([entry for entry in fresh if asked.wants(entry)])
                    if self._left == 0:
                        return 0
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone
        return 0

    async def _put(self, entries: list[Entry]) -> None:
        for entry in entries:
            if self._left == 0:
                break
            if self._asked.binary:  # without dividers: they would be no entries
                self._write(pack_entry(entry))
            else:
                self._write(self._text(entry).encode("utf-8", "surrogateescape"))
            self._left = None if self._left is None else self._left - 1
        if self._file is not None:
            self._file.flush()
        await self._call.flush()

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._call.write(data)
        else:
            self._file.write(data)

    def _text(self, entry: Entry) -> str:
        seen, divider = self._seen, ""
        new = entry.buffer not in seen
        if new or (self._asked.dividers and entry.buffer != seen[-1]):
            divider = f"--------- {'beginning of' if new else 'switch to'} {entry.buffer}\n"
            if not new:
                seen.remove(entry.buffer)
            seen.append(entry.buffer)
        return divider + format_entry(entry, self._asked.style, frozenset(self._asked.modifiers))


def _size(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


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
