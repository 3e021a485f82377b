"""``ps``, ``pidof``, ``pgrep``, ``pkill`` and ``killall``: the phone's processes only."""

from __future__ import annotations

import contextlib
import os
import re
import signal

from harness.virtual.root.daemons import DAEMONS
from harness.virtual.system.call import Call
from harness.virtual.system.options import split_letters
from harness.virtual.system.process_fields import Field, FieldError, Fields, table
from harness.virtual.system.process_rows import ProcessRows, Row
from harness.virtual.system.service import Answers, System
from harness.virtual.system.top import Top

_DEFAULT = "USER,PID,PPID,VSZ,RSS,WCHAN:10,ADDR:10,S,NAME"
_THREADS = "USER,PID,TID,PPID,VSZ,RSS,WCHAN:10,ADDR:10,S,CMD"
_FULL = ("USER:12=UID", "PID,PPID,C,STIME,TTY,TIME", "ARGS=CMD")
_LONG = "F,S,UID,PID,PPID,C,PRI,NI,BIT,SZ,WCHAN,TTY,TIME,CMD"
_WITH_VALUE = frozenset("gGkoOpPstuU")
_CLASSES = {"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \\t", "digit": "0-9",
            "lower": "a-z", "space": r"\s", "upper": "A-Z", "punct": r"!-/:-@\[-`{-~",
            "xdigit": "0-9A-Fa-f"}  # fmt: skip
"""POSIX character classes as Python writes them within brackets."""


class ProcessList:
    """The phone's processes under the names that the phone knows.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._processes = ProcessRows(system.root, system.apps)
        self._fields = Fields(system.accountant.limits.memory.total_kb, _label)
        top = Top(self._processes, self._fields, system.accountant)
        self.answers = Answers(
            commands={
                "killall": self.pgrep,
                "pgrep": self.pgrep,
                "pidof": self.pidof,
                "pkill": self.pgrep,
                "ps": self.ps,
                "top": top.run,
            },
        )

    async def ps(self, call: Call) -> int:
        """Carry out toybox ``ps``."""
        flags, values = _options(call.args)
        rows = _chosen(await self._processes.fresh(), flags, values)
        if flags & {"T", "L"}:
            rows = self._processes.threads(rows)
        try:
            fields = self._layout(flags, values)
            if "n" in flags:
                fields = [self._fields.get("UID") if f.name == "USER" else f for f in fields]
            for key in values.get("k", []):
                rows = self._fields.sort(rows, key)
        except FieldError as error:
            if str(error) == "HELP":
                call.print("Command line field types:\n\n  " + " ".join(self._fields.names))
                return 0
            call.error(f"ps: bad -o '{error}'")
            return 1
        for line in table(fields, rows):
            call.print(line)
        return 0 if rows else 1

    def _layout(self, flags: set[str], values: dict[str, list[str]]) -> list[Field]:
        """Return the fields that are asked for."""
        texts = list(values.get("o", []))
        if not texts:
            texts = list(_FULL) if "f" in flags else [_LONG] if "l" in flags else [
                _THREADS if flags & {"T", "L"} else _DEFAULT]  # fmt: skip
            texts = (["LABEL"] if "Z" in flags else []) + texts
            texts[-1:-1] = values.get("O", [])
        return [field for text in texts for field in self._fields.parse(text)]

    async def pidof(self, call: Call) -> int:
        """Carry out toybox ``pidof``."""
        args = list(call.args)
        single = "-s" in args
        omitted: set[int] = set()
        if "-o" in args[:-1]:
            at = args.index("-o")
            omitted = {int(p) for p in args[at + 1].split(",") if p.isdigit()}
            del args[at : at + 2]
        names = {a for a in args if not a.startswith("-")}
        pids = [
            row.pid
            for row in await self._processes.fresh()
            if row.pid not in omitted
            and (row.name in names or os.path.basename(row.args.split(" ")[0]) in names)  # noqa: PTH119
        ]
        if not pids:
            return 1
        call.print(" ".join(str(pid) for pid in (pids[:1] if single else pids)))
        return 0

    async def pgrep(self, call: Call) -> int:
        """Carry out ``pgrep``, ``pkill`` and ``killall`` on what the phone's user may touch."""
        number, rest = _signal(call.args)
        flags, values, patterns = split_letters(rest, frozenset("dGgLPstuU"))
        if not patterns and not values.keys() & set("GgPstuU"):
            call.error(f"{call.name}: no pattern")
            return 2
        matching = _chosen(await self._processes.fresh(), {"A"}, values)
        try:
            matching = _matching(call.name, matching, flags, patterns)
        except re.error:
            call.error(f"{call.name}: bad regex")
            return 2
        if flags & {"n", "o"}:
            matching = sorted(matching, key=lambda row: row.age_s)
            matching = matching[:1] if "n" in flags else matching[-1:]
        if call.name != "pgrep":
            self._kill(call, matching, number)
        elif "c" in flags:
            call.print(str(len(matching)))
        else:
            lines = [f"{row.pid} {row.name}" if "l" in flags else str(row.pid) for row in matching]
            if lines:
                call.print((values.get("d") or ["\n"])[0].join(lines))
        return 0 if matching else 1

    @staticmethod
    def _kill(call: Call, rows: list[Row], number: int) -> None:
        for row in rows:
            if row.user != "shell" or row.host_pid is None:
                # the shell's user can't signal apps: am force-stop can
                call.error(f"{call.name}: {row.pid}: Operation not permitted")
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(row.host_pid, number)


def _label(row: Row) -> str:
    """Return a row's security label. Source: AOSP ``system/sepolicy``."""
    if row.pid in {daemon.pid for daemon in DAEMONS} and row.user != "shell":
        return f"u:r:{row.name.removesuffix('64')}:s0"
    if row.uid >= 10000:
        return "u:r:untrusted_app:s0"
    return "u:r:shell:s0" if row.user == "shell" else "u:r:system_app:s0"


def _options(args: list[str]) -> tuple[set[str], dict[str, list[str]]]:
    """Read the options of ``ps``; a number alone is a pid."""
    long = {"--pid": "-p", "--ppid": "-P", "--sort": "-k"}
    spelt = [part for arg in args for part in _spelt(arg, long)]
    flags, values, words = split_letters(spelt, _WITH_VALUE)
    values.setdefault("p", []).extend(words)
    if not values["p"]:
        del values["p"]
    return flags, values


def _spelt(arg: str, long: dict[str, str]) -> list[str]:
    name, equals, value = arg.partition("=")
    return [long[name], *([value] if equals else [])] if name in long else [arg]


def _chosen(rows: list[Row], flags: set[str], values: dict[str, list[str]]) -> list[Row]:
    """Return the rows that are asked for; without any word, those of the caller's user."""

    def listed(letter: str) -> set[str]:
        return {part for text in values.get(letter, []) for part in re.split("[, ]+", text)}

    wanted = {letter: listed(letter) for letter in "pPuUgGst" if letter in values}
    if not wanted:
        if flags & {"A", "a", "d", "e"}:
            return rows
        return [row for row in rows if row.user == "shell"]
    return [
        row
        for row in rows
        if str(row.pid) in wanted.get("p", ())
        or str(row.parent) in wanted.get("P", ())
        or any({row.user, str(row.uid)} & wanted.get(letter, set()) for letter in "uUgG")
    ]


def _matching(name: str, rows: list[Row], flags: set[str], patterns: list[str]) -> list[Row]:
    """Return the rows whose name, or with ``-f`` command line, has one of the patterns.

    Raises:
        re.error: One is no pattern.
    """
    if not patterns:
        return rows
    exact = name == "killall" or "x" in flags
    compiled = [re.compile(_python_regex(pattern)) for pattern in patterns]

    def hit(row: Row) -> bool:
        if row.args.split(" ")[0] == name:
            return False  # not itself
        text = row.args if "f" in flags else row.name
        if name == "killall":
            return text in patterns
        return any(p.fullmatch(text) if exact else p.search(text) for p in compiled)

    return [row for row in rows if hit(row) != ("v" in flags)]


def _python_regex(text: str) -> str:
    """Return an extended regular expression of POSIX as Python writes it."""
    return re.sub(r"\[:(\w+):\]", lambda match: _CLASSES.get(match[1], match[0]), text)


def _signal(args: list[str]) -> tuple[int, list[str]]:
    """Split off ``-9``, ``-KILL``, ``-s KILL`` or ``-l``-like options."""
    number = int(signal.SIGTERM)
    rest: list[str] = []
    left = list(args)
    while left:
        arg = left.pop(0)
        name = (
            left.pop(0) if arg in ("-s", "-L") and left else arg[1:] if arg.startswith("-") else ""
        )
        value = getattr(signal, f"SIG{name.removeprefix('SIG')}", None) if name.isupper() else None
        if name.isdigit():
            number = int(name)
        elif isinstance(value, signal.Signals):
            number = int(value)
        else:
            rest.append(arg)
    return number, rest
