"""A phone without namespaces: its root is a folder, its processes are marked, not apart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.virtual.phone import PhoneProcess, PhoneRoot, PhoneSpec, WindowSize
from harness.virtual.root import layout, paths, processes
from harness.virtual.root.spawning import spawn_process
from harness.virtual.root.tools import installed_tools

_STOP_PATIENCE_S = 10.0


class PlainRoot(PhoneRoot):
    """Isolation ``none``.

    A process of the phone sees the host's files and processes; it has the phone's tools, folders
    and environment, and the mark by which it is found again. If the process that holds this object
    is killed, they live on: ending them is then the farm's reaper's part.
    """

    def __init__(self, spec: PhoneSpec) -> None:
        super().__init__(spec)
        self._running = False

    async def start(self) -> None:
        """Make folders and tools."""
        layout.make_folders(self.root_dir, self.spec.shell)
        self._running = True

    async def stop(self) -> None:
        """Kill all marked processes, and those they start meanwhile."""
        self._running = False
        deadline = asyncio.get_running_loop().time() + _STOP_PATIENCE_S
        while pids := processes.by_serial.pids(self.spec.serial, fresh=True):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{self.spec.serial}: processes {pids} survive SIGKILL")
            await asyncio.sleep(0.01)

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
        if not self._running:
            raise ProcessLookupError(f"{self.spec.serial} is not running")
        return await spawn_process(
            self._argv(command),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pty=pty,
            env=self.environment() | dict(env or {}),
            cwd=self.root_dir if cwd is None else self.host_path(cwd),
            leader=lambda child: child,
            group=self._group,
        )

    def _argv(self, command: str | Sequence[str]) -> list[str]:
        sh = str(self.root_dir / "system/bin/sh")
        if isinstance(command, str):
            return [sh, "-c", command] if command else [sh]
        program = command[0] if "/" in command[0] else f"{self.root_dir}/system/bin/{command[0]}"
        return [program, *command[1:]]

    def _group(self, leader: int) -> list[int]:
        return processes.group_members(
            leader, processes.by_serial.pids(self.spec.serial, fresh=True)
        )

    def host_path(self, phone_path: str, *, follow: bool = True) -> Path:
        """Return the host file behind a phone path; host paths of the phone pass unchanged."""
        return paths.resolve(self.root_dir, phone_path, follow=follow, foreign_root=True)

    def phone_path(self, host_path: Path) -> str:
        """Return the phone path of a host file of the phone."""
        return phone_path_of(self.root_dir, host_path)

    def process_path(self, phone_path: str) -> str:
        """Return the host's path: that is what a process here must use."""
        return f"{self.root_dir}/{phone_path.lstrip('/')}".rstrip("/")

    @property
    def shell(self) -> str:
        """The host's shell: a shebang line may not be long, and the root's path may be."""
        return str(installed_tools(self.spec.shell).shell)

    def environment(self) -> dict[str, str]:
        """Return the environment that every process of the phone starts with."""
        return layout.environment(self.spec, str(self.root_dir))

    def pids(self) -> list[int]:
        """Return the host pids of all processes that carry the phone's mark."""
        return processes.by_serial.pids(self.spec.serial)

    def phone_pid(self, host_pid: int) -> int:
        """Return the pid itself: there is one pid namespace."""
        if host_pid not in processes.by_serial.pids(self.spec.serial, fresh=True):
            raise ProcessLookupError(f"{self.spec.serial} has no process {host_pid}")
        return host_pid

    def host_pid(self, phone_pid: int) -> int:
        """Return the pid itself: there is one pid namespace."""
        return self.phone_pid(phone_pid)


def phone_path_of(root: Path, host_path: Path) -> str:
    """Return ``host_path`` as seen from ``root``.

    Raises:
        PermissionError: It lies elsewhere.
    """
    try:
        inside = host_path.relative_to(root)
    except ValueError:
        raise PermissionError(f"{host_path} is not a file of the phone in {root}") from None
    return "/" + str(inside).removeprefix(".")
