"""``df`` and ``sm``: the phone's storage."""

from __future__ import annotations

import os

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System


class Storage:
    """The commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._faults = system.faults
        self.answers = Answers(
            commands={"df": self._df, "sm": lambda call: self._volumes(call, call.args)},
            cmd={"mount": self._volumes},
            dumps={"diskstats": self._disk},
        )

    def _df(self, call: Call) -> int:
        human = any(a.startswith("-") and "h" in a for a in call.args)
        asked = [a for a in call.args if not a.startswith("-")]
        total, free = self._room()
        mounts = {"/": "/dev/block/dm-0", "/data": "/dev/block/dm-5",
                  "/storage/emulated": "/dev/fuse"}  # fmt: skip
        size = "Size" if human else "1K-blocks"
        call.print(f"{'Filesystem':<18}{size:>12} {'Used':>11} {'Available':>11} Use% Mounted on")
        code = 0
        for path in asked or list(mounts):
            try:
                inside = self._root.phone_path(self._root.host_path(path))
                self._root.host_path(path).stat()
            except OSError:
                call.error(f"df: {path}: No such file or directory")
                code = 1
                continue
            mount = max((m for m in mounts if _under(inside, m)), key=len)
            values = (4 << 30, 4 << 30, 0) if mount == "/" else (total, total - free, free)
            shown = [_human(v) if human else str(v // 1024) for v in values]
            used = 100 * values[1] // max(1, values[0])
            call.print(f"{mounts[mount]:<18}{shown[0]:>12} {shown[1]:>11} {shown[2]:>11} "
                       f"{used:>3}% {mount}")  # fmt: skip
        return code

    def _room(self) -> tuple[int, int]:
        """Return size and room of /data in bytes."""
        disk = os.statvfs(self._root.root_dir)
        free = disk.f_bavail * disk.f_frsize
        if self._faults.disk_free_bytes is not None:
            free = min(free, self._faults.disk_free_bytes)
        return disk.f_blocks * disk.f_frsize, free

    def _disk(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys diskstats``."""
        del args
        total, free = (size // 1024 for size in self._room())
        call.print("Latency: 1ms [512B Data Write]\n"
                   f"Data-Free: {free}K / {total}K total = {100 * free // max(1, total)}% free\n"
                   "Cache-Free: 0K / 0K total = 0% free\n"
                   f"System-Free: 0K / {4 << 20}K total = 0% free\n"
                   "File-based Encryption: true")  # fmt: skip
        return 0

    @staticmethod
    def _volumes(call: Call, words: list[str]) -> int:
        """Carry out ``sm``. Source: AOSP ``Sm.java``."""
        verb = words[0] if words else ""
        answers = {
            "list-volumes": "private mounted null\nemulated;0 mounted null",
            "list-disks": "",
            "has-adoptable": "false",
            "get-primary-storage-uuid": "null",
            "get-fbe-mode": "native",
        }
        if verb not in answers:
            call.error("usage: sm list-disks [adoptable]\n       sm has-adoptable\n"
                       "       sm get-primary-storage-uuid\n       sm list-volumes "
                       "[public|private|emulated|all]\n       sm get-fbe-mode")  # fmt: skip
            return 1
        if answers[verb]:
            call.print(answers[verb])
        return 0


def _under(path: str, mount: str) -> bool:
    return mount == "/" or path == mount or path.startswith(f"{mount}/")


def _human(size: int) -> str:
    value = float(size)
    for unit in ("", "K", "M", "G"):
        if value < 1024:
            return f"{value:.0f}{unit}" if value >= 10 or not unit else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.0f}T"
