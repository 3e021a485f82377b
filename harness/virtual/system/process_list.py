"""``ps``, ``pidof``, ``pgrep``, ``pkill``, ``killall`` and ``top``: the phone's processes only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

from harness.virtual.system import procfs
from harness.virtual.system.app import SYSTEM_SERVER_PID, App
from harness.virtual.system.call import Call
from harness.virtual.system.lmkd import LMKD_PID
from harness.virtual.system.service import Answers, System

# Processes that clients look for and that aren't there as such: init, and the daemons that are
# modelled. Their pids are those that log lines carry.
_MODELLED = (
    (1, "root", "init"),
    (LMKD_PID, "lmkd", "lmkd"),
    (SYSTEM_SERVER_PID, "system", "system_server"),
)


# A root's table of processes may be that old, see ``harness.virtual.root.processes``.
_TABLE_AGE_S = 0.055


@dataclass(frozen=True)
class Row:
    """One line of ps."""

    user: str
    pid: int
    parent: int
    virtual_kb: int
    resident_kb: int
    state: str
    name: str
    args: str
    host_pid: int | None
    seconds: float = 0.0


_COLUMNS: dict[str, tuple[str, int, Callable[[Row], object]]] = {
    "USER": ("USER", -14, lambda r: r.user),
    "PID": ("PID", 6, lambda r: r.pid),
    "TID": ("TID", 6, lambda r: r.pid),
    "PPID": ("PPID", 6, lambda r: r.parent),
    "VSZ": ("VSZ", 8, lambda r: r.virtual_kb),
    "RSS": ("RSS", 7, lambda r: r.resident_kb),
    "WCHAN": ("WCHAN", -15, lambda _: "0"),
    "ADDR": ("ADDR", 8, lambda _: "0"),
    "S": ("S", 1, lambda r: r.state),
    "STAT": ("STAT", 4, lambda r: r.state),
    "NAME": ("NAME", -1, lambda r: r.name),
    "CMD": ("CMD", -1, lambda r: r.name[:15]),
    "COMM": ("COMMAND", -1, lambda r: r.name[:15]),
    "ARGS": ("ARGS", -1, lambda r: r.args),
    "CMDLINE": ("CMDLINE", -1, lambda r: r.args),
    "UID": ("UID", 5, lambda r: 2000 if r.user == "shell" else 1000),
    "TIME": ("TIME", 8, lambda r: _clock(r.seconds)),
    "TIME+": ("TIME+", 9, lambda r: _clock(r.seconds)),
    "%CPU": ("%CPU", 4, lambda _: "0.0"),
    "TTY": ("TTY", -5, lambda _: "?"),
    "PRI": ("PRI", 3, lambda _: 19),
    "NI": ("NI", 3, lambda _: 0),
    "LABEL": ("LABEL", -30, lambda _: "u:r:shell:s0"),
}
_DEFAULT = ("USER", "PID", "PPID", "VSZ", "RSS", "WCHAN", "ADDR", "S", "NAME")


class ProcessList:
    """The phone's processes under the names that the phone knows.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._apps = system.apps
        self.answers = Answers(
            commands={
                "killall": self.pgrep,
                "pgrep": self.pgrep,
                "pidof": self.pidof,
                "pkill": self.pgrep,
                "ps": self.ps,
                "top": self.top,
            },
        )

    async def rows(self) -> list[Row]:
        """Return all processes, by pid; those too that were started a moment ago."""
        await asyncio.sleep(_TABLE_AGE_S)
        apps = self._apps.by_host_pid()
        rows = [Row(user, pid, 0 if pid == 1 else 1, 0, 0, "S", name, name, None)
                 for pid, user, name in _MODELLED]  # fmt: skip
        for host_pid in self._root.pids():
            use = procfs.read_use(host_pid)
            if use is not None:
                rows.append(self._row(use, apps.get(host_pid)))
        return sorted(rows, key=lambda row: row.pid)

    def _row(self, use: procfs.ProcessUse, app: App | None) -> Row:
        more = (app.declared_mb or 0) * 1024 if app else 0
        return Row(
            user=app.user if app else "shell",
            pid=app.pid if app else self._phone_pid(use.pid),
            parent=self._phone_pid(use.parent) if app is None else 640,
            virtual_kb=use.virtual_kb + more,
            resident_kb=use.resident_kb + more,
            state=use.state,
            name=app.name if app else use.name,
            args=app.name if app else " ".join(procfs.read_args(use.pid)) or f"[{use.name}]",
            host_pid=use.pid,
            seconds=(use.user + use.system) / procfs.TICKS,
        )

    def _phone_pid(self, host_pid: int) -> int:
        try:
            return self._root.phone_pid(host_pid)
        except ProcessLookupError:
            return 1

    async def ps(self, call: Call) -> int:
        """Carry out toybox ``ps``."""
        columns = list(_DEFAULT)
        wanted: set[int] | None = None
        every = False
        args = list(call.args)
        while args:
            arg = args.pop(0)
            if arg in ("-o", "-O") and args:
                names = [
                    n.partition("=")[0].partition(":")[0] for n in re.split("[, ]", args.pop(0))
                ]
                unknown = [n for n in names if n.upper() not in _COLUMNS]
                if unknown:
                    call.error(f"ps: bad -o {unknown[0]}")
                    return 1
                columns = [n.upper() for n in names]
            elif arg in ("-p", "-q") and args:
                wanted = {int(p) for p in re.split("[, ]", args.pop(0)) if p.isdigit()}
            elif arg.isdigit():
                wanted = {int(arg)}
            elif arg.startswith("-") and set(arg[1:]) & set("Ae"):
                every = True
            elif arg in ("-u", "-U", "-t", "-G", "-g", "-k") and args:
                args.pop(0)
        rows = await self.rows()
        if wanted is not None:
            rows = [row for row in rows if row.pid in wanted]
        elif not every:
            rows = [row for row in rows if row.user == "shell"]
        _print(call, columns, rows)
        return 0 if rows else 1

    async def pidof(self, call: Call) -> int:
        """Carry out toybox ``pidof``."""
        args = list(call.args)
        single = "-s" in args
        omitted: set[int] = set()
        if "-o" in args:
            at = args.index("-o")
            omitted = {int(p) for p in args[at + 1].split(",") if p.isdigit()}
            del args[at : at + 2]
        names = {a for a in args if not a.startswith("-")}
        rows = await self.rows()
        pids = [
            row.pid
            for row in rows
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
        flags = {letter for a in rest if a.startswith("-") for letter in a[1:]}
        patterns = [a for a in rest if not a.startswith("-")]
        if not patterns:
            call.error(f"{call.name}: no pattern")
            return 2
        try:
            pattern = re.compile(patterns[0])
        except re.error:
            call.error(f"{call.name}: bad regex")
            return 2
        exact = call.name == "killall" or "x" in flags
        matching = []
        for row in await self.rows():
            text = row.args if "f" in flags else row.name
            hit = text == patterns[0] if exact else pattern.search(text)
            if hit and row.args.find(f"system/bin/{call.name}") < 0:
                matching.append(row)
        if call.name == "pgrep":
            for row in matching:
                call.print(f"{row.pid} {row.name}" if "l" in flags else str(row.pid))
        else:
            self._kill(call, matching, number)
        return 0 if matching else 1

    def _kill(self, call: Call, rows: list[Row], number: int) -> None:
        for row in rows:
            if row.user != "shell" or row.host_pid is None:
                # the shell's user can't signal apps: am force-stop can
                call.error(f"{call.name}: {row.pid}: Operation not permitted")
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(row.host_pid, number)

    async def top(self, call: Call) -> int:
        """Carry out ``top -b -n 1``: one picture, whatever was asked."""
        rows = await self.rows()
        call.print(f"Tasks: {len(rows)} total,   1 running, {len(rows) - 1} sleeping")
        _print(call, ["PID", "USER", "PRI", "NI", "VSZ", "RSS", "S", "%CPU", "TIME+", "ARGS"], rows)
        return 0


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


def _print(call: Call, columns: list[str], rows: list[Row]) -> None:
    specs = [_COLUMNS[c] for c in columns]
    table = [[title for title, _, _ in specs]]
    table += [[str(read(row)) for _, _, read in specs] for row in rows]
    for line in table:
        cells = []
        for index, (text, (_, width, _)) in enumerate(zip(line, specs, strict=True)):
            last = index == len(specs) - 1
            cells.append(text if last else text.ljust(-width) if width < 0 else text.rjust(width))
        call.print(" ".join(cells).rstrip())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
