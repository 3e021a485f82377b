"""``bugreport`` and ``bugreportz``: what the phone says of itself, in one text."""

from __future__ import annotations

import inspect
import io
import os
import time
import zipfile
from collections.abc import Sequence

from harness.virtual.properties import PropertyStore
from harness.virtual.system.call import Call
from harness.virtual.system.service import Answers, System

_VERSION = "1.2"
_RULE = "=" * 56
_FOLDER = "data/user_de/0/com.android.shell/files/bugreports"
_SEEN_AS = "/bugreports"
_FILES = ("version", "meminfo", "stat", "uptime", "loadavg")
_TABLE = "-A -o LABEL,USER,PID,TID,PPID,VSZ,RSS,WCHAN,ADDR,S,PRI,NI,RTPRIO,SCH,PCY,CMD"
_COMMANDS = (
    ("UPTIME", ("uptime",)),
    ("CPU INFO", ("top", "-b", "-n", "1", "-H", "-s", "6")),
    ("PROCESSES AND THREADS", ("ps", *_TABLE.split())),
    ("SYSTEM LOG", ("logcat", "-v", "threadtime", "-d", "-b", "main,system,crash")),
    ("EVENT LOG", ("logcat", "-v", "threadtime", "-d", "-b", "events")),
    ("LAST LOGCAT", ("logcat", "-L", "-v", "threadtime", "-b", "all")),
    ("FILESYSTEMS & FREE SPACE", ("df",)),
    ("PACKAGE SETTINGS", ("pm", "list", "packages", "-f")),
)


class BugReport:
    """The two commands.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._root = system.root
        self._properties = PropertyStore(system.root.root_dir)
        self.answers = Answers(commands={"bugreport": self.flat, "bugreportz": self.packed})

    async def flat(self, call: Call) -> int:
        """Print the report as text."""
        call.print(await self._text(call), end="")
        return 0

    async def packed(self, call: Call) -> int:
        """Write the report into a zip and say where. Source: AOSP ``cmds/bugreportz``."""
        if "-v" in call.args:
            call.error(_VERSION)
            return 0
        name = self._name()
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("version.txt", "2.0")
            archive.writestr("main_entry.txt", f"{name}.txt")
            text = await self._text(call)
            archive.writestr(f"{name}.txt", text.encode("utf-8", "surrogateescape"))
        if "-s" in call.args:
            call.write(data.getvalue())
            return 0
        path = f"/{_FOLDER}/{name}.zip"
        if "-p" in call.args:
            call.print(f"BEGIN:{_SEEN_AS}/{name}.zip")
            await call.flush()
        host = self._root.root_dir / path.lstrip("/")
        host.parent.mkdir(parents=True, exist_ok=True)
        host.write_bytes(data.getvalue())
        if "-p" in call.args:
            call.print("PROGRESS:100/100")
        call.print(f"OK:{path}")
        return 0

    def _name(self) -> str:
        values = self._properties
        device = values.get("ro.product.name", "phone").replace(" ", "_")
        build = values.get("ro.build.id", "VLAB").replace(" ", "_")
        now = time.localtime(self._system.now())
        return f"bugreport-{device}-{build}-{time.strftime('%Y-%m-%d-%H-%M-%S', now)}"

    async def _text(self, call: Call) -> str:
        values = self._properties
        now = time.localtime(self._system.now())
        parts = [
            f"{_RULE}\n== dumpstate: {time.strftime('%Y-%m-%d %H:%M:%S', now)}\n{_RULE}\n\n"
            f"Build: {values.get('ro.build.display.id', '')}\n"
            f"Build fingerprint: '{values.get('ro.build.fingerprint', '')}'\n"
            "Bootloader: unknown\nRadio: unknown\nNetwork: \n"
            f"Kernel: {os.uname().sysname} version {os.uname().release}\n"
            f"Uptime: {self._system.accountant.uptime_s():.0f} s\n"
            "Bugreport format version: 2.0\n"
        ]
        for title, argv in _COMMANDS:
            text = await self._answer(call, argv)
            parts.append(f"------ {title} ({' '.join(argv)}) ------\n{text}")
        for name in _FILES:
            try:
                file = self._root.readable_path(f"/proc/{name}")
                text = file.read_text("utf-8", "replace")
            except OSError as error:
                text = f"*** {name}: {error.strerror}\n"
            parts.append(f"------ {name.upper()} (/proc/{name}) ------\n{text}")
        listed = "".join(f"[{key}]: [{value}]\n" for key, value in values.items())
        parts.append(f"------ SYSTEM PROPERTIES ------\n{listed}")
        parts.append(f"{_RULE}\n== Android Framework Services\n{_RULE}\n"
                     f"{await self._answer(call, ('dumpsys',))}")  # fmt: skip
        parts.append(f"{_RULE}\n== dumpstate: done\n{_RULE}\n")
        return "\n".join(parts)

    async def _answer(self, call: Call, argv: Sequence[str]) -> str:
        """Return what a command prints."""
        asked = call.aside(argv)
        answer = self._system.commands[argv[0]](asked)
        if inspect.isawaitable(answer):
            await answer
        return asked.taken()
