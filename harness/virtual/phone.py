"""What the parts of a virtual phone agree on: its spec, its root, its faults.

``harness.virtual.root`` makes roots (how a process becomes a process of the phone),
``harness.virtual.adbd`` speaks ADB for a root, and the userland (shims, memory and battery model,
lmkd) fills the root's folders and watches its processes. None of them reaches around this module.

Layout of a phone's folder on the host (``PhoneSpec.root``), the same in both isolations::

    data/local/tmp/   data/misc/   data/system/     writable; /data on the phone
    storage/emulated/0/                             writable; /storage; sdcard and mnt/sdcard lead
                                                    there
    system/bin/  system/etc/                        tools and shims; read-only under ``userns``
    proc/                                           meminfo, stat, ... kept by the userland; under
                                                    ``userns`` each *existing* file is bound over
                                                    the real /proc/<name> when the root starts, so
                                                    write in place and never rename
    sys/                                            shown as /sys under ``userns`` (read-only)
    dev/__props/                                    shown as /dev/__props under ``userns``
"""

from __future__ import annotations

import abc
import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Isolation = Literal["userns", "none"]
Shell = Literal["android", "host"]

SERIAL_VARIABLE = "VLAB_SERIAL"
"""Environment variable that every process of a phone carries."""


@dataclass(frozen=True)
class PhoneSpec:
    """What a virtual phone is.

    Args:
        serial: Its serial number, unique on this host; also the mark of its processes.
        root: Host folder of the phone; made if absent.
        isolation: How its processes are kept apart from the host's.
        profile: Name of the device profile it was made from.
        properties: System properties (``ro.product.model`` ...).
        shell: Whose shell and tools it has; None: Android's where they are installed.
    """

    serial: str
    root: Path
    isolation: Isolation = "none"
    profile: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    shell: Shell | None = None


@dataclass(frozen=True)
class WindowSize:
    """Size of a terminal in characters and pixels."""

    rows: int = 24
    columns: int = 80
    x_pixels: int = 0
    y_pixels: int = 0


class PhoneProcess(abc.ABC):
    """A process of the phone, leader of a session and a process group of its own.

    Attributes:
        host_pid: Its pid as the host sees it (under ``userns`` not the pid the phone sees).
        stdin: Write end, or None if not piped. With a terminal the three are one file.
        stdout: Read end, or None.
        stderr: Read end, or None (also when merged into stdout, and with a terminal).
    """

    host_pid: int
    stdin: asyncio.StreamWriter | None
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None

    @abc.abstractmethod
    async def wait(self) -> int:
        """Wait for its end; return its exit code, 128 + signal number if a signal ended it."""

    @abc.abstractmethod
    def hang_up(self) -> None:
        """Send SIGHUP to its process group and close the pipes, as adbd does on a lost stream.

        What was started with nohup or setsid lives on.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close this side of its pipes and terminal; the process isn't told otherwise."""

    @abc.abstractmethod
    def kill(self) -> None:
        """Send SIGKILL to its process group."""

    @abc.abstractmethod
    def resize(self, size: WindowSize) -> None:
        """Tell its terminal a new size; nothing happens without a terminal."""


class PhoneRoot(abc.ABC):
    """The phone as the host holds it: a folder, and a way to start processes in it."""

    def __init__(self, spec: PhoneSpec) -> None:
        self.spec = spec
        self.clock_offset_s = 0.0
        """What the phone's clocks since boot are off the host's."""
        self.daemon_pids: dict[int, int] = {}
        """Phone pid -> host pid of Android's daemons, see ``root.daemons``; not in :meth:`pids`."""
        self.root_dir = spec.root.resolve()

    @property
    def isolation(self) -> Isolation:
        """How the phone's processes are kept apart from the host's."""
        return self.spec.isolation

    @abc.abstractmethod
    async def start(self) -> None:
        """Make missing folders and tools, then let the phone have processes.

        Existing files are kept, so shims may be written into ``system/bin`` before.
        """

    @abc.abstractmethod
    async def stop(self) -> None:
        """Kill every process of the phone, daemons too. The folder stays. Idempotent."""

    @abc.abstractmethod
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
        """Start a process of the phone.

        Args:
            command: A text for the phone's ``sh -c`` (empty: an interactive shell), or an argv
                whose first entry is looked up on the phone's PATH.
            stdin: As for ``asyncio.create_subprocess_exec``; ignored with ``pty``.
            stdout: Likewise.
            stderr: Likewise.
            pty: Give it a terminal of this size.
            env: Variables added to :meth:`environment`.
            cwd: Phone path to start in; default is the phone's ``/``.

        Raises:
            OSError: The process could not be started, or the phone isn't running.
        """

    @abc.abstractmethod
    def host_path(self, phone_path: str, *, follow: bool = True) -> Path:
        """Return the host file behind a phone path; it need not exist.

        Links are resolved as the phone would, the last component only if ``follow``.

        Raises:
            PermissionError: The path, or a link on it, leads out of the phone.
            OSError: ELOOP, or a component that is no folder.
        """

    def readable_path(self, phone_path: str, *, follow: bool = True) -> Path:
        """Return the host file to read: the kernel's too, if the phone has its own.

        Raises:
            OSError: As :meth:`host_path`; or the file is not for everybody to read.
        """
        return self.host_path(phone_path, follow=follow)

    @abc.abstractmethod
    def phone_path(self, host_path: Path) -> str:
        """Return the phone path of a host file of the phone.

        Raises:
            PermissionError: The file isn't the phone's.
        """

    @abc.abstractmethod
    def process_path(self, phone_path: str) -> str:
        """Return how a *process* of the phone must name a phone path.

        The same path under ``userns``; the host's path under ``none``.
        """

    @property
    @abc.abstractmethod
    def shell(self) -> str:
        """Path of ``sh`` for shebang lines of shims (short, without spaces, valid inside)."""

    @abc.abstractmethod
    def environment(self) -> dict[str, str]:
        """Return the environment that every process of the phone starts with."""

    @abc.abstractmethod
    def pids(self) -> list[int]:
        """Return the host pids of all processes of the phone."""

    @abc.abstractmethod
    def phone_pid(self, host_pid: int) -> int:
        """Return the pid that the phone sees.

        Raises:
            ProcessLookupError: No such process of the phone.
        """

    @abc.abstractmethod
    def host_pid(self, phone_pid: int) -> int:
        """Return the pid that the host sees.

        Raises:
            ProcessLookupError: No such process of the phone.
        """


class Faults:
    """What is wrong with a phone right now; adbd asks here before it acts.

    To be used from the event loop that runs adbd. None, False and 0 mean: nothing wrong.

    Attributes:
        unauthorized: Ask for authentication, accept no key.
        silent: Take connections, answer nothing.
        delay_s: Wait that long before answering each OPEN.
        drop_after_bytes: Break the connection after this much payload (both ways together),
            once; becomes None when it has happened.
        drop_after_push_bytes: Break the connection after this much of the next push, once.
        truncate_output_after: A shell stream ends, without exit code, after this much output.
        garble_share: Share of the bytes of a command's output that are wrong.
        happened: How often something has happened that a plan of faults can wait for.
        disk_free_bytes: What pushes may still write; then ENOSPC. Counts down.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.unauthorized = False
        self.silent = False
        self.delay_s = 0.0
        self.drop_after_bytes: int | None = None
        self.drop_after_push_bytes: int | None = None
        self.truncate_output_after: int | None = None
        self.disk_free_bytes: int | None = None
        self.garble_share = 0.0
        self.happened: Counter[str] = Counter()
        self._refuse = False
        self._cable_back_at = 0.0
        self._clock = clock
        self._drop_listeners: list[Callable[[], None]] = []
        self._reach_listeners: list[Callable[[], None]] = []

    @property
    def refuse(self) -> bool:
        """Whether new connections are refused until this is taken back; old ones live on."""
        return self._refuse

    @refuse.setter
    def refuse(self, value: bool) -> None:
        self._refuse = value
        self._tell(self._reach_listeners)

    def lose_cable(self, seconds: float) -> None:
        """Break all connections now and refuse new ones for so long (``inf``: until restored)."""
        self._cable_back_at = self._clock() + seconds
        self._tell(self._reach_listeners)
        self.drop_connections()

    def restore_cable(self) -> None:
        """Take connections again."""
        self._cable_back_at = 0.0
        self._tell(self._reach_listeners)

    def drop_connections(self) -> None:
        """Break all connections now; new ones are taken."""
        self._tell(self._drop_listeners)

    @property
    def refused_for_s(self) -> float:
        """Seconds for which new connections are refused from now on; 0 if they are taken."""
        return float("inf") if self._refuse else max(0.0, self._cable_back_at - self._clock())

    def count_push(self, size: int) -> None:
        """Take note of so many bytes of a push; break the connection if a test wants that now."""
        if self.drop_after_push_bytes is not None:
            self.drop_after_push_bytes -= size
            if self.drop_after_push_bytes < 0:
                self.drop_after_push_bytes = None
                self.drop_connections()

    def on_drop(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever connections are to be broken (for adbd)."""
        self._drop_listeners.append(listener)

    def on_reach(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever :attr:`refused_for_s` has been changed (for adbd)."""
        self._reach_listeners.append(listener)

    def clear(self) -> None:
        """Make everything well again."""
        self.unauthorized = self.silent = False
        self.delay_s = self.garble_share = 0.0
        self.drop_after_bytes = self.drop_after_push_bytes = None
        self.truncate_output_after = self.disk_free_bytes = None
        self._refuse = False
        self.restore_cable()

    @staticmethod
    def _tell(listeners: list[Callable[[], None]]) -> None:
        for listener in list(listeners):
            listener()
