"""Commands that need a few lines each."""

from __future__ import annotations

import os
import re
import struct
import zlib

from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

_GROUPS = "2000(shell),1004(input),1007(log),1011(adb),1015(sdcard_rw),1028(sdcard_r),3003(inet)"
_CONTEXT = "u:r:shell:s0"
_SIZE, _DENSITY = "1080x2400", "420"


_SILENT = ("jobscheduler", "notification", "statusbar", "uimode", "window")
"""Services whose ``cmd`` changes nothing that is modelled."""


class SmallCommands:
    """One method a command; `answers` names them.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._faults = system.faults
        self._settings = system.get(Settings)
        self._services = system.service_names
        self._wm = {"size": "", "density": ""}
        self.answers = Answers(
            commands={
                "content": self._content,
                "df": self._df,
                "getenforce": lambda call: _say(call, "Enforcing"),
                "id": self._id,
                "ime": self._nothing,
                "screencap": self._screencap,
                "service": self._service,
                "setenforce": self._setenforce,
                "uiautomator": self._uiautomator,
                "whoami": lambda call: _say(call, "shell"),
                "wm": self._window,
            },
            cmd={name: lambda call, _: self._nothing(call) for name in _SILENT},
        )

    @staticmethod
    def _nothing(call: Call) -> int:
        """Do nothing: what this would change isn't modelled, and it prints nothing on a phone."""
        del call
        return 0

    @staticmethod
    def _id(call: Call) -> int:
        flags = "".join(a[1:] for a in call.args if a.startswith("-"))
        if "Z" in flags:
            call.print(_CONTEXT)
        elif "u" in flags or "g" in flags:
            call.print("shell" if "n" in flags else "2000")
        elif "G" in flags:
            numbers = re.findall("[0-9]+", _GROUPS)
            names = re.findall(r"\((\w+)\)", _GROUPS)
            call.print(" ".join(names if "n" in flags else numbers))
        else:
            call.print(f"uid=2000(shell) gid=2000(shell) groups={_GROUPS} context={_CONTEXT}")
        return 0

    @staticmethod
    def _setenforce(call: Call) -> int:
        call.error("setenforce: Couldn't set enforcing status to "
                   f"'{call.args[0] if call.args else ''}': Permission denied")  # fmt: skip
        return 1

    def _window(self, call: Call) -> int:
        what, value = [*call.args, "", ""][:2]
        if what not in self._wm:
            call.error(f"Unknown command: {what}")
            return 255
        if value:
            self._wm[what] = "" if value == "reset" else value
            return 0
        call.print(f"Physical {what}: {_SIZE if what == 'size' else _DENSITY}")
        if self._wm[what]:
            call.print(f"Override {what}: {self._wm[what]}")
        return 0

    def _service(self, call: Call) -> int:
        verb, name = [*call.args, "", ""][:2]
        names = self._services()
        if verb == "list":
            call.print(f"Found {len(names)} services:")
            for number, known in enumerate(names):
                call.print(f"{number}\t{known}: [android.os.I{known.capitalize()}]")
        elif verb == "check" and name:
            call.print(f"Service {name}: {'found' if name in names else 'not found'}")
        elif verb == "call" and name in names:
            call.print("Result: Parcel(00000000    '....')")
        else:
            call.print("Usage: service [-h|-?]\n       service list\n       service check SERVICE")
            return 10
        return 0

    def _content(self, call: Call) -> int:
        text = " ".join(call.args)
        found = re.search(r"content://settings/(\w+).*name='?(\w+)'?", text)
        if not call.args or call.args[0] != "query" or found is None:
            call.print("No result found.")
            return 0
        value = self._settings.get(found[1], found[2])
        call.print("No result found." if value is None else f"Row: 0 value={value}")
        return 0

    def _df(self, call: Call) -> int:
        human = any(a.startswith("-") and "h" in a for a in call.args)
        asked = [a for a in call.args if not a.startswith("-")]
        disk = os.statvfs(self._root.root_dir)
        free = disk.f_bavail * disk.f_frsize
        if self._faults.disk_free_bytes is not None:
            free = min(free, self._faults.disk_free_bytes)
        total = disk.f_blocks * disk.f_frsize
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

    def _screencap(self, call: Call) -> int:
        image = _png(108, 240)
        files = [a for a in call.args if not a.startswith("-")]
        if not files:
            call.write(image)
            return 0
        return self._save(call, files[0], image)

    def _uiautomator(self, call: Call) -> int:
        if not call.args or call.args[0] != "dump":
            call.error("Unsupported command")
            return 1
        files = [a for a in call.args[1:] if not a.startswith("-")]
        path = files[0] if files else "/sdcard/window_dump.xml"
        text = (
            "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
            '<hierarchy rotation="0"></hierarchy>'  # clients look for the closing tag
        )
        call.print(f"UI hierchary dumped to: {path}")  # so misspelt on phones, and clients match it
        return self._save(call, path, text.encode())

    def _save(self, call: Call, path: str, data: bytes) -> int:
        try:
            self._root.host_path(path).write_bytes(data)
        except OSError as error:
            call.error(f"{call.name}: {path}: {error.strerror}")
            return 1
        return 0


def _say(call: Call, text: str) -> int:
    call.print(text)
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


def _png(width: int, height: int) -> bytes:
    """Return a black picture. Source of the format: RFC 2083."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + b"\0" * width for _ in range(height))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
