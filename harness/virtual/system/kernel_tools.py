"""``free``, ``uptime`` and ``mount`` as toybox prints them, of the phone and not of the host."""

from __future__ import annotations

import os
import time

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System

_MOUNTS = (
    "/dev/block/dm-0 on / type ext4 (ro,seclabel,nodev,relatime)",
    "tmpfs on /dev type tmpfs (rw,seclabel,nosuid,relatime,mode=755)",
    "devpts on /dev/pts type devpts (rw,seclabel,relatime,mode=600,ptmxmode=000)",
    "proc on /proc type proc (rw,relatime,gid=3009,hidepid=2)",
    "sysfs on /sys type sysfs (rw,seclabel,relatime)",
    "/dev/block/dm-5 on /data type f2fs (rw,lazytime,seclabel,nosuid,nodev,noatime)",
    "/dev/fuse on /storage/emulated type fuse (rw,nosuid,nodev,noexec,noatime)",
)


class KernelTools:
    """The three commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._accountant = system.accountant
        self.answers = Answers(
            commands={"free": self.free, "mount": self.mount, "uptime": self.uptime},
        )

    def free(self, call: Call) -> int:
        """Print the RAM in bytes, or in the unit that a flag names (``-k``, ``-m``, ``-g``)."""
        flags = "".join(arg[1:] for arg in call.args if arg.startswith("-"))
        unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(flags[-1:], 1)
        kb = self._accountant.meminfo_kb()

        def shown(*values: int) -> str:
            return "".join(f"{value * 1024 // unit:>16}" for value in values)

        total, free, buffers = kb["MemTotal"], kb["MemFree"], kb["Buffers"]
        used = total - free
        head = "".join(f"{word:>16}" for word in ("total", "used", "free", "shared", "buffers"))
        call.print(f"{'':<4}{head}")
        call.print(f"Mem:{shown(total, used, free, kb['Shmem'], buffers)}")
        call.print(f"-/+ buffers/cache:{shown(used - buffers, free + buffers)}")
        swap, left = kb["SwapTotal"], kb["SwapFree"]
        call.print(f"Swap:{shown(swap, swap - left, left)}")
        return 0

    def uptime(self, call: Call) -> int:
        """Print how long the phone is up."""
        seconds = int(self._accountant.uptime_s())
        if "-s" in call.args:
            call.print(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - seconds)))
            return 0
        days, rest = divmod(seconds, 86400)
        hours, minutes = rest // 3600, rest // 60 % 60
        up = f"{days} days, " if days > 1 else "1 day, " if days else ""
        up += f"{hours}:{minutes:02d}" if hours else f"{minutes} min"
        load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
        call.print(f" {time.strftime('%H:%M:%S')} up {up},  0 users,  load average: {load}")
        return 0

    @staticmethod
    def mount(call: Call) -> int:
        """List what's mounted; mounting isn't for the shell."""
        if any(not arg.startswith("-") for arg in call.args):
            call.error("mount: Operation not permitted")
            return 1
        for line in _MOUNTS:
            call.print(line)
        return 0
