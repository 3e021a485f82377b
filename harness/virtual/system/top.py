"""``top``: pictures of the phone's processes, with what they did since the last one."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from harness.virtual.system import procfs
from harness.virtual.system.accountant import Accountant
from harness.virtual.system.call import Call
from harness.virtual.system.options import split_letters
from harness.virtual.system.process_fields import Field, FieldError, Fields, table
from harness.virtual.system.process_rows import ProcessRows, Row

_FIRST, _ADDED, _LAST = "PID,USER", "PR,NI,VIRT,RES,SHR,S", "%CPU,%MEM,TIME+,ARGS"
_THREADS = "TID,USER,PR,NI,VIRT,RES,SHR,S,%CPU,%MEM,TIME+,CMD:15=THREAD"
_SORTED_BY = 9
_LETTERS = frozenset("bhHq")
"""Without a value; ``b`` and ``h`` change nothing, since nobody has a terminal to draw on."""
_WITH_VALUE = frozenset("dkmnoOpsu")
_FIRST_LOOK_S = 0.25
"""How long the first picture is measured for."""


class _UsageError(Exception):
    pass


@dataclass
class _Asked:
    threads: bool = False
    quiet: bool = False
    fields: list[Field] = field(default_factory=list)
    sort_number: int = _SORTED_BY
    sort_keys: str = ""
    pictures: int | None = None
    delay_s: float = 3.0
    most: int | None = None
    pids: frozenset[int] | None = None
    users: frozenset[str] | None = None


class _Look(NamedTuple):
    """What is known at one moment.

    Attributes:
        when: The event loop's time.
        rows: All processes.
        user: CPU time of the phone in user mode, in ticks.
        system: Likewise in kernel mode.
    """

    when: float
    rows: list[Row]
    user: int
    system: int


class Top:
    """The command.

    Args:
        processes: Reads processes.
        fields: Their fields.
        accountant: Has the phone's memory and CPU time.
    """

    def __init__(self, processes: ProcessRows, fields: Fields, accountant: Accountant) -> None:
        self._processes = processes
        self._fields = fields
        self._accountant = accountant

    async def run(self, call: Call) -> int:
        """Carry out toybox ``top``; without ``-n`` it goes on until nobody reads."""
        try:
            asked = self._parse(call.args)
        except FieldError as error:
            call.error(f"top: bad -o '{error}'")
            return 1
        except _UsageError as error:
            call.error(f"top: {error}")
            return 1
        gone = asyncio.ensure_future(call.wait_gone())
        try:
            await self._show(call, asked, gone)
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        return 0

    async def _show(self, call: Call, asked: _Asked, gone: asyncio.Future[None]) -> None:
        await self._processes.fresh()
        old, left, wait_s = self._look(), asked.pictures, _FIRST_LOOK_S
        while left is None or left > 0:
            await asyncio.wait({gone}, timeout=wait_s)
            if gone.done():
                return
            new = self._look()
            for line in self._picture(asked, old, new):
                call.print(line)
            await call.flush()
            old, wait_s = new, asked.delay_s
            left = None if left is None else left - 1

    def _look(self) -> _Look:
        rows = self._processes.read()
        user = sum(row.user_ticks for row in rows)
        total = sum(row.ticks for row in rows)
        return _Look(asyncio.get_running_loop().time(), rows, user, total - user)

    def _picture(self, asked: _Asked, old: _Look, new: _Look) -> list[str]:
        seconds = max(0.01, new.when - old.when)
        before = {row.host_pid: row.ticks for row in old.rows}
        rows = [
            replace(row, ticks_lately=max(0, row.ticks - before.get(row.host_pid, 0)),
                    looked_s=seconds)
            for row in new.rows
        ]  # fmt: skip
        head = [] if asked.quiet else self._head(rows, asked.threads, old, new, seconds)
        if asked.pids is not None:
            rows = [row for row in rows if row.pid in asked.pids]
        if asked.users is not None:
            rows = [row for row in rows if {row.user, str(row.uid)} & asked.users]
        if asked.threads:
            rows = self._processes.threads(rows)
        number = min(asked.sort_number, len(asked.fields)) - 1
        by = asked.fields[number].name
        keys = asked.sort_keys or f"{'' if by in ('PID', 'TID') else '-'}{by},-%CPU,PID"
        rows = self._fields.sort(rows, keys)[: asked.most]
        shown = table(asked.fields, rows, sorted_by=number)
        return head + (shown[1:] if asked.quiet else shown)

    def _head(
        self, rows: list[Row], threads: bool, old: _Look, new: _Look, seconds: float
    ) -> list[str]:
        states = Counter(row.state for row in rows)
        running = max(1, states["R"])  # itself at least
        asleep = max(0, len(rows) - running - states["T"] - states["Z"])
        kb = self._accountant.meminfo_kb()
        cores = 100 * self._accountant.limits.cores
        share = 100 / (seconds * procfs.TICKS)
        user = min(cores, round(max(0, new.user - old.user) * share))
        system = min(cores - user, round(max(0, new.system - old.system) * share))

        def memory(name: str, total: int, free: int, word: str, more: int) -> str:
            return (f"{name:>5}: {total:>9}K total, {total - free:>9}K used, {free:>9}K free, "
                    f"{more:>9}K {word}")  # fmt: skip

        return [
            f"{'Threads' if threads else 'Tasks'}: {len(rows)} total, {running:>3} "
            f"running, {asleep:>3} sleeping, {states['T']:>3} stopped, "
            f"{states['Z']:>3} zombie",
            memory("Mem", kb["MemTotal"], kb["MemFree"], "buffers", kb["Buffers"]),
            memory("Swap", kb["SwapTotal"], kb["SwapFree"], "cached", kb["Cached"]),
            f"{cores}%cpu {user:>3}%user   0%nice {system:>3}%sys {cores - user - system:>3}%idle"
            "   0%iow   0%irq   0%sirq   0%host",
        ]

    def _parse(self, args: list[str]) -> _Asked:
        letters, values, words = split_letters(args, _WITH_VALUE)
        if words:
            raise _UsageError(f"Unknown argument {words[0]}")
        unknown = sorted(letters - _LETTERS)
        if unknown:
            raise _UsageError(f"Unknown option '{unknown[0]}'")
        asked = _Asked(threads="H" in letters, quiet="q" in letters)
        for letter, given in values.items():
            for value in given:
                _take(asked, letter, value)
        texts, added = (_joined(values.get(letter, [])) for letter in "oO")
        default = _THREADS if asked.threads else ",".join((_FIRST, added or _ADDED, _LAST))
        asked.fields = [self._lately(each) for each in self._fields.parse(texts or default)]
        return asked

    @staticmethod
    def _lately(field: Field) -> Field:
        """Let %CPU be what was used since the last picture."""
        if field.name != "%CPU":
            return field
        return replace(field, read=lambda row: row.busy_lately)


def _joined(texts: list[str]) -> str:
    """Return what an option lists that was given so often."""
    joined = ""
    for text in texts:
        joined = f"{joined},{text}".strip(",")
    return joined


def _take(asked: _Asked, letter: str, value: str) -> None:
    try:
        if letter == "d":
            asked.delay_s = float(value)
        elif letter == "k":
            asked.sort_keys = value
        elif letter == "m":
            asked.most = int(value)
        elif letter == "n":
            asked.pictures = int(value)
        elif letter == "p":
            asked.pids = frozenset(map(int, value.split(",")))
        elif letter == "s":
            asked.sort_number = max(1, int(value))
        elif letter == "u":
            asked.users = frozenset(value.split(","))
    except ValueError:
        raise _UsageError(f"bad -{letter} '{value}'") from None
