"""Files of the phone's /proc that the accountant keeps, rewritten in place at one length."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# The name and nine blanks, four figures of up to 13 digits, six zeros.
_CPU_LINE_BYTES = 80
_END_BYTES = 200


class FixedFile:
    """A file whose readers never see a line cut or a file half as long.

    It is opened once and overwritten by a single ``pwrite``: under ``userns`` it's bound over a
    file of /proc, and a bind keeps the inode it found.

    Args:
        path: The file; made anew.
        content: First content; fixes the length.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        self._length = len(content)
        self._content = content

    def write(self, content: bytes) -> None:
        """Overwrite the file; nothing is done if the content is the same.

        Raises:
            ValueError: The content has another length.
        """
        if content == self._content or self._fd is None:
            return
        if len(content) != self._length:
            raise ValueError(f"{len(content)} bytes for a file of {self._length}")
        os.pwrite(self._fd, content, 0)
        self._content = content

    def close(self) -> None:
        """Close the file; writes do nothing from now on."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


def stat_text(
    user: int, system: int, cores: int, uptime_ticks: int, boot_time_s: int, processes: int
) -> bytes:
    """Return /proc/stat of a phone with this much busy time (in ticks of 1/100 s).

    Which core a process ran on isn't known, so busy time is spread evenly.

    Args:
        user: Ticks in user mode of all the phone's processes since its boot.
        system: Likewise in kernel mode.
        cores: The phone's cores.
        uptime_ticks: Ticks since boot.
        boot_time_s: Time of boot, seconds since 1970.
        processes: Processes begun since boot.
    """
    idle = max(0, uptime_ticks * cores - user - system)
    lines = [_cpu_line("cpu", user, system, idle)]
    lines += [
        _cpu_line(f"cpu{n}", *(_share(ticks, n, cores) for ticks in (user, system, idle)))
        for n in range(cores)
    ]
    end = f"ctxt 0\nbtime {boot_time_s}\nprocesses {processes}\nprocs_running 1\nprocs_blocked 0\n"
    missing = _stat_bytes(cores) - sum(map(len, lines)) - len(end)
    return "".join([*lines, _interrupts(missing), end]).encode()


def _stat_bytes(cores: int) -> int:
    """Return the length that holds the greatest figures."""
    return (cores + 1) * _CPU_LINE_BYTES + _END_BYTES


def _interrupts(length: int) -> str:
    """Return a line of interrupts of that length: as on a phone, most never happened.

    It makes up for the other figures, which stand between single blanks, as the kernel prints them
    and clients' patterns want them.
    """
    head = "intr 0" if length % 2 else "intr 10 5 5"
    return head + " 0" * ((length - len(head) - 1) // 2) + "\n"


def _cpu_line(name: str, user: int, system: int, idle: int) -> str:
    return f"{name:<4} {user} 0 {system} {idle} 0 0 0 0 0 0\n"


def _share(ticks: int, core: int, cores: int) -> int:
    """Return the share of one core; the shares of all cores sum to ``ticks``."""
    return (ticks + cores - 1 - core) // cores
