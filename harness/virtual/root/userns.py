"""A phone with a root of its own, by Linux namespaces and without privileges."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.virtual.phone import PhoneProcess, PhoneRoot, PhoneSpec, WindowSize
from harness.virtual.root import layout, paths, processes
from harness.virtual.root.binds import lent_folders
from harness.virtual.root.daemons import DAEMONS, INIT, name_link
from harness.virtual.root.plain import phone_path_of
from harness.virtual.root.spawning import spawn_process
from harness.virtual.root.tools import installed_tools, tool_path

_SHELL_UID = 2000
_START_PATIENCE_S = 30.0
_STOP_PATIENCE_S = 10.0
_TIOCSPTLCK, _TIOCGPTPEER = 0x40045431, 0x5441
# Where a process of another user is, and what it has open: nobody else may look.
_ANOTHERS = re.compile(r"/?proc/\w+/(?:cwd|exe|fd|fdinfo|map_files|ns|root)(?:/|$)")
_INSIDE = Path(__file__).with_name("inside.py")


HAS_TIME_NAMESPACE = Path("/proc/self/ns/time").exists()
"""Whether a phone can have its own clock since boot (Linux 5.6)."""

_UPTIME_S = 10
"""A phone's age when its first process runs, as if it had booted for so long."""


class IsolationError(OSError):
    """The namespaces or mounts of a phone could not be made; the text says which step and why."""


class UsernsRoot(PhoneRoot):
    """Isolation ``userns``.

    A process of the phone sees the phone's files at ``/``, the phone's processes and its /proc,
    and is uid 2000 without capabilities. Its uptime begins at each start. It shares the host's
    network and wall clock.
    """

    def __init__(self, spec: PhoneSpec) -> None:
        super().__init__(spec)
        self._holder: asyncio.subprocess.Process | None = None
        self._lifeline: int | None = None
        self._init: int | None = None
        self._namespace = ""
        self._launcher: tuple[str, str] | None = None

    async def start(self) -> None:
        """Make folders and tools, then namespaces and mounts.

        Raises:
            IsolationError: This host doesn't allow them.
        """
        layout.make_folders(self.root_dir, self.spec.shell)
        nsenter, setsid = shutil.which("nsenter"), tool_path("setsid")
        if nsenter is None or setsid is None:
            raise IsolationError("nsenter and setsid (util-linux) are not on PATH")
        self._launcher = (nsenter, str(setsid))
        offset = _boot_offset_s() if HAS_TIME_NAMESPACE else None
        self.clock_offset_s = offset or 0.0
        reading, self._lifeline = os.pipe()
        try:
            self._holder = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(_INSIDE),
                json.dumps({**self._config(), "clock_offset_s": offset}),
                stdin=reading,
                stdout=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is the farm's, which then stops its phones
            )
            assert self._holder.stdout is not None
            line = await asyncio.wait_for(self._holder.stdout.readline(), _START_PATIENCE_S)
        except asyncio.TimeoutError:
            await self.stop()
            raise IsolationError("the phone's namespaces were not ready in time") from None
        finally:
            os.close(reading)
        answer = json.loads(line) if line else {"error": "the set-up ended without a word"}
        if "error" in answer:
            await self.stop()
            raise IsolationError(answer["error"])
        self._init = int(answer["init"])
        self._namespace = processes.pid_namespace(self._init)
        started = {daemon.pid for daemon in DAEMONS if daemon.name in answer["daemons"]}
        children = processes.children(self._init) if started else []
        by_pid = {self.phone_pid(host_pid): host_pid for host_pid in children}
        self.daemon_pids = {pid: by_pid[pid] for pid in started & by_pid.keys()}

    def _config(self) -> dict[str, object]:
        mount_point = self.root_dir / ".mount"
        mount_point.mkdir(exist_ok=True)
        tools = installed_tools(self.spec.shell)
        return {
            "root": str(self.root_dir),
            "mount_point": str(mount_point),
            "uid": _SHELL_UID,
            "gid": _SHELL_UID,
            "binds": lent_folders(self.root_dir, (tools.shell, *tools.programs.values())),
            "daemons": self._named_daemons(),
        }

    def _named_daemons(self) -> list[tuple[str, str, int]]:
        named = []
        for daemon in DAEMONS:
            if daemon == INIT:
                continue  # there in any case
            link = name_link(self.root_dir, daemon.name, self.spec.shell)
            if link is not None:
                named.append((daemon.name, f"/{link}", daemon.pid))
        return named

    async def stop(self) -> None:
        """Kill the phone's init, and with it all its processes."""
        self.daemon_pids = {}
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._init, signal.SIGKILL)
            self._init = None
        # before the holder goes: init is its child, and with nobody else to reap it, it would
        # stay a zombie until the host's init comes round to it
        deadline = asyncio.get_running_loop().time() + _STOP_PATIENCE_S
        while self._namespace and processes.by_namespace.pids(self._namespace, fresh=True):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{self.spec.serial}: its processes survive their init")
            processes.wake_launchers(self.spec.serial)  # they reap what was killed while it hung
            await asyncio.sleep(0.002)
        self._namespace = ""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._holder is not None:
            await self._holder.wait()
            self._holder = None

    async def spawn(
        self,
        command: str | Sequence[str],
        *,
        stdin: int | None = asyncio.subprocess.PIPE,
        stdout: int | None = asyncio.subprocess.PIPE,
        stderr: int | None = asyncio.subprocess.PIPE,
        pty: WindowSize | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> PhoneProcess:
        """Start a process of the phone; see :meth:`PhoneRoot.spawn`."""
        if self._init is None or self._launcher is None:
            raise ProcessLookupError(f"{self.spec.serial} is not running")
        nsenter, setsid = self._launcher
        # The session is made inside: one made outside would have the number 0 in there, and
        # shells' job control would break.
        inner = [setsid, *(["-c"] if pty else []), *_argv(command, cwd)]
        return await spawn_process(
            [
                nsenter,
                f"--target={self._init}",
                "--user",
                "--mount",
                "--pid",
                "--uts",
                "--ipc",
                *(["--time"] if HAS_TIME_NAMESPACE else []),
                "--preserve-credentials",
                "--",
                *inner,
            ],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pty=pty,
            env=self.environment() | dict(env or {}),
            cwd=None,
            leader=self._leader,
            group=self._group,
            take_terminal=False,
            open_terminal=self._open_terminal,
        )

    def _open_terminal(self) -> tuple[int, int]:
        """Return a terminal of the phone's own devpts: one of the host's has no name in there.

        Source: ioctl_tty(2) for TIOCGPTPEER, which opens the slave without its path.
        """
        master = os.open(f"/proc/{self._init}/root/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
        try:
            fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
            slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
        except OSError:
            os.close(master)
            raise
        os.set_inheritable(slave, False)
        return master, slave

    def _leader(self, launcher: int) -> int | None:
        """Return the process that the launcher waits for."""
        child_pids = processes.children(launcher)
        return child_pids[0] if child_pids else None

    def _group(self, leader: int) -> list[int]:
        return processes.group_members(
            leader, processes.by_namespace.pids(self._namespace, fresh=True)
        )

    def host_path(self, phone_path: str, *, follow: bool = True) -> Path:
        """Return the host file behind a phone path."""
        return paths.resolve(self.root_dir, phone_path, follow=follow, foreign_root=False)

    def readable_path(self, phone_path: str, *, follow: bool = True) -> Path:
        """Return the file to read as the phone's processes see it, lent and kernel files too."""
        if self._init is None:
            return self.host_path(phone_path, follow=follow)
        top = Path(f"/proc/{self._init}/root")
        if _ANOTHERS.match(os.path.normpath(phone_path)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), phone_path)
        host = paths.resolve(top, phone_path, follow=follow, foreign_root=False)
        parts = host.relative_to(top).parts
        if parts[:1] != ("proc",):
            return host
        if parts[1:2] in (("self",), ("thread-self",)) and (follow or len(parts) > 2):
            # there the reader is the farm, which the phone has no number for
            own = "/".join(("/proc/1", *parts[2:]))
            host = paths.resolve(top, own, follow=follow, foreign_root=False)
        if not host.lstat().st_mode & stat.S_IROTH:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), phone_path)
        return host

    def phone_path(self, host_path: Path) -> str:
        """Return the phone path of a host file of the phone."""
        return phone_path_of(self.root_dir, host_path)

    def process_path(self, phone_path: str) -> str:
        """Return the path unchanged: the phone has a root of its own."""
        return phone_path

    @property
    def shell(self) -> str:
        """The phone's own sh."""
        return "/system/bin/sh"

    def environment(self) -> dict[str, str]:
        """Return the environment that every process of the phone starts with."""
        return layout.environment(self.spec, "")

    def pids(self) -> list[int]:
        """Return the host pids of all in the phone's pid namespace but its init and daemons."""
        if not self._namespace:
            return []
        left_out = {self._init, *self.daemon_pids.values()}
        return [p for p in processes.by_namespace.pids(self._namespace) if p not in left_out]

    def phone_pid(self, host_pid: int) -> int:
        """Return the pid that the phone sees."""
        try:
            inside = processes.pid_namespace(host_pid) == self._namespace
        except OSError:
            inside = False
        if not inside:
            raise ProcessLookupError(f"{self.spec.serial} has no process with host pid {host_pid}")
        return processes.namespace_pids(host_pid)[-1]

    def host_pid(self, phone_pid: int) -> int:
        """Return the pid that the host sees."""
        for pid in processes.by_namespace.pids(self._namespace, fresh=True):
            with contextlib.suppress(ProcessLookupError):
                if processes.namespace_pids(pid)[-1] == phone_pid:
                    return pid
        raise ProcessLookupError(f"{self.spec.serial} has no process {phone_pid}")


def _boot_offset_s() -> float:
    """Return what the phone's clocks since boot are off the host's when it boots now."""
    return _UPTIME_S - time.clock_gettime(time.CLOCK_BOOTTIME)


def _argv(command: str | Sequence[str], cwd: str | None) -> list[str]:
    sh = "/system/bin/sh"
    argv = list(command) if not isinstance(command, str) else [sh, "-c", command]
    if not command:
        argv = [sh]
    if cwd is not None:
        return [sh, "-c", 'cd "$0" && exec "$@"', cwd, *argv]
    return argv
