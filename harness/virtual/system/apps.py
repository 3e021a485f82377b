"""Processes of apps: real processes known to the phone by Android's names and importance."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path

from harness.virtual.phone import PhoneProcess, PhoneRoot
from harness.virtual.root.daemons import NAMES_FOLDER, SYSTEM_SERVER, ZYGOTE, name_link
from harness.virtual.system import procfs
from harness.virtual.system.app import (
    CACHED_ADJ,
    FOREGROUND_ADJ,
    PERCEPTIBLE_ADJ,
    PREVIOUS_ADJ,
    App,
    Kind,
)
from harness.virtual.system.exits import ExitRecord, ExitWhy
from harness.virtual.system.logs import LogStore
from harness.virtual.system.memory import charged_kb, swapped_after

_PROC_STATE = {FOREGROUND_ADJ: 2, PERCEPTIBLE_ADJ: 4, PREVIOUS_ADJ: 10, CACHED_ADJ: 16}
_IMPORTANCE = {FOREGROUND_ADJ: 100, PERCEPTIBLE_ADJ: 125, PREVIOUS_ADJ: 300, CACHED_ADJ: 400}
_KEPT_EXITS = 64
_LAUNCH_PATIENCE_S = 5.0
_SIGKILL = int(signal.SIGKILL)


class Apps:
    """All running app processes of a phone.

    Args:
        root: Starts them.
        logs: Gets what Android would log about them.
        table: File for the ``pidof`` script: one ``pid name`` a line.
        sdk: API level.
    """

    def __init__(self, root: PhoneRoot, logs: LogStore, table: Path, sdk: int) -> None:
        self._root = root
        self._logs = logs
        self._table = table
        self._sdk = sdk
        self._apps: dict[str, App] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.exits: deque[ExitRecord] = deque(maxlen=_KEPT_EXITS)
        self.lmk_adjs: list[int] = []
        self.on_end: list[Callable[[App], None]] = []
        self._write_table()

    def __iter__(self) -> Iterator[App]:
        return iter(list(self._apps.values()))

    def get(self, name: str) -> App | None:
        """Return the running process of this name."""
        return self._apps.get(name)

    def of_package(self, package: str) -> list[App]:
        """Return all running processes of a package."""
        return [app for app in self if app.package == package]

    def by_host_pid(self) -> dict[int, App]:
        """Return all running processes by their host pid."""
        return {app.host_pid: app for app in self}

    async def start(
        self,
        name: str,
        command: Sequence[str] | None,
        *,
        package: str,
        uid: int,
        adj: int,
        declared_mb: int | None = None,
        compressible_share: float = 0.0,
        stdin: int = asyncio.subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
        component: str = "",
        kind: Kind = "service",
        log_tag: str | None = None,
    ) -> App:
        """Start a process, or return the one that runs already under this name.

        Args:
            name: Its name.
            command: What it runs; None: it waits until its input is closed, and then ends with 0.
            package: Its package.
            uid: Its user id.
            adj: oom_score_adj.
            declared_mb: See :class:`App`.
            compressible_share: Likewise.
            stdin: As for ``PhoneRoot.spawn``.
            env: Likewise.
            component: What it was started for.
            kind: Likewise.
            log_tag: Tag of its output in the log; None: it goes nowhere.

        Raises:
            OSError: It could not be started.
        """
        async with self._starting.setdefault(name, asyncio.Lock()):
            running = self._apps.get(name)
            if running is not None:
                return running
            pipe = asyncio.subprocess.PIPE if log_tag else asyncio.subprocess.DEVNULL
            if command is None:
                command, waiting_env = self._waiting(name)
                stdin, env = asyncio.subprocess.PIPE, {**waiting_env, **(env or {})}
            process = await self._root.spawn(
                command,
                stdin=stdin,
                stdout=pipe,
                stderr=asyncio.subprocess.STDOUT if log_tag else asyncio.subprocess.DEVNULL,
                env=env,
                cwd="/data/local/tmp",
            )
            host_pid, pid = await self._pids(process)
            app = App(
                name,
                package,
                uid,
                adj,
                declared_mb,
                host_pid,
                pid,
                process,
                time.time(),
                kind,
                component or package,
            )
            app.compressible_share = compressible_share
            self._apps[name] = app
        self._write_table()
        self._logs.event(
            "am_proc_start", [0, pid, uid, name, kind, component or package], pid=SYSTEM_SERVER.pid
        )
        self._log(f"Start proc {pid}:{name}/{app.user} for {kind} {{{component or package}}}")
        self._task(self._reap(app, log_tag))
        return app

    def _waiting(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return command and environment of a process that waits, under a name as /proc has it."""
        link = name_link(self._root.root_dir, name, self._root.spec.shell)
        if link is None:
            return ("cat",), {}
        if self._root.isolation == "none":
            return (self._root.process_path(f"/{link}"),), {}
        return (name,), {"PATH": f"/{NAMES_FOLDER}:/system/bin"}

    async def _pids(self, process: PhoneProcess) -> tuple[int, int]:
        """Return host and phone pid; a launcher may need a moment to make it the phone's."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LAUNCH_PATIENCE_S
        while loop.time() < deadline:
            host_pid = process.host_pid
            with contextlib.suppress(ProcessLookupError):
                return host_pid, self._root.phone_pid(host_pid)
            if not Path(f"/proc/{host_pid}").exists():
                break  # it ended at once; how, its waiter will say
            await asyncio.sleep(0.002)
        return process.host_pid, process.host_pid

    def kill(self, app: App, why: ExitWhy) -> None:
        """End a process by SIGKILL; its record will carry ``why``."""
        if app.why is None:
            app.why = why
        app.last_held_kb = app.held_kb or app.last_held_kb
        try:
            os.kill(app.host_pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._charge_no_more(app)

    def _charge_no_more(self, app: App) -> None:
        # a declared figure must go at once; the process itself ends a moment later
        if app.declared_mb is not None:
            app.declared_mb = app.swapped_kb = 0
            self._write_table()

    def stop_package(self, package: str, reason: str) -> list[App]:
        """End all of a package as ``am force-stop`` does; return what was ended."""
        ended = self.of_package(package)
        for app in ended:
            self._log(f"Killing {app.pid}:{app.name}/{app.user} (adj {app.adj}): {reason}")
            values: list[object] = [0, app.pid, app.name, app.adj, reason]
            if self._sdk >= 33:
                values.append(procfs.read_own_kb(app.host_pid))
            self._logs.event("am_kill", values, pid=SYSTEM_SERVER.pid)
            self.kill(app, ExitWhy(10, "USER REQUESTED", 21, "FORCE STOP", reason))
        return ended

    def declare(self, app: App, mb: int) -> None:
        """Set the RAM that a process says it holds."""
        app.declared_mb = mb
        app.swapped_kb = min(app.swapped_kb, app.declared_kb)
        self._write_table()

    def declared_kb(self) -> int:
        """Return the sum of all declared RAM."""
        return sum(app.declared_kb for app in self._apps.values())

    def charged_kb(self) -> int:
        """Return what declared RAM takes, packed pages at their packed size."""
        return sum(charged_kb(app.declared_kb, app.swapped_kb) for app in self._apps.values())

    def swapped_kb(self) -> int:
        """Return how much is packed into zram, at its unpacked size."""
        return sum(app.swapped_kb for app in self._apps.values())

    def swap(self, total_kb: int, seconds: float) -> None:
        """Let zram take pages of cached apps and bring back those of apps in use."""
        free = total_kb - self.swapped_kb()
        for app in self._apps.values():
            before = app.swapped_kb
            app.swapped_kb = swapped_after(
                before,
                int(app.declared_kb * app.compressible_share),
                background=app.adj >= CACHED_ADJ,
                free_kb=free,
                seconds=seconds,
            )
            free -= app.swapped_kb - before

    async def stop(self) -> None:
        """Forget everything (the phone goes down; its root ends the processes)."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for app in self._apps.values():
            app.ended.set()  # what is replayed beside a process goes down with the phone
        self._apps.clear()
        self._write_table()

    async def _reap(self, app: App, log_tag: str | None) -> None:
        follower = None
        if log_tag and app.process.stdout is not None:
            follower = asyncio.ensure_future(self._follow(app, app.process.stdout, log_tag))
        code = await app.process.wait()
        if follower is not None:
            await asyncio.wait({follower}, timeout=1.0)
            follower.cancel()
        app.process.close()
        if self._apps.get(app.name) is app:
            del self._apps[app.name]
        for listener in self.on_end:
            listener(app)
        self._write_table()
        self._record_end(app, code)
        app.ended.set()

    def _record_end(self, app: App, code: int) -> None:
        killed = code - 128 if code > 128 else 0
        why = app.why
        if why is None:
            why = ExitWhy(2, "SIGNALED") if killed else ExitWhy(1, "EXIT_SELF")
        status = killed if killed and why.reason == 2 else 0 if killed else code
        if killed:
            how = "Killed" if killed == _SIGKILL else _signal_name(killed)
            self._logs.add(
                "Zygote",
                f"Process {app.pid} exited due to signal {killed} ({how})",
                pid=ZYGOTE.pid,
                uid=0,
            )
        elif code:
            self._logs.add(
                "Zygote", f"Process {app.pid} exited cleanly ({code})", pid=ZYGOTE.pid, uid=0
            )
        self._log(f"Process {app.name} (pid {app.pid}) has died: {_adj_words(app)}")
        self._logs.event(
            "am_proc_died",
            [0, app.pid, app.name, app.adj, _PROC_STATE.get(app.adj, 15)],
            pid=SYSTEM_SERVER.pid,
        )
        self.exits.appendleft(
            ExitRecord(
                when=time.time(),
                pid=app.pid,
                uid=app.uid,
                package=app.package,
                process=app.name,
                why=why,
                status=status,
                importance=_IMPORTANCE.get(app.adj, 400),
                held_kb=app.last_held_kb,
            )
        )

    async def _follow(self, app: App, reader: asyncio.StreamReader, tag: str) -> None:
        """Put a process's output into the log, a line an entry."""
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # a line longer than the reader's limit; the rest follows
                continue
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\n")
            self._logs.add(tag, text, priority="W", pid=app.pid, uid=app.uid)

    def _log(self, message: str) -> None:
        self._logs.add("ActivityManager", message, buffer="system", pid=SYSTEM_SERVER.pid)

    def _write_table(self) -> None:
        text = "".join(f"{app.pid} {app.name}\n" for app in self._apps.values())
        temporary = self._table.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self._table)  # noqa: PTH105

    def _task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _adj_words(app: App) -> str:
    words = {
        FOREGROUND_ADJ: "fore TOP ",
        PERCEPTIBLE_ADJ: "prcp FGS ",
        PREVIOUS_ADJ: "prev SVC ",
        CACHED_ADJ: "cch  CRE ",
    }
    return f"{words.get(app.adj, 'cch  CRE ')}({app.adj},{_PROC_STATE.get(app.adj, 15)})"


def _signal_name(number: int) -> str:
    try:
        return signal.strsignal(number) or "unknown"
    except ValueError:
        return "unknown"
