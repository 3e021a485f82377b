"""Ends the marked processes of a phone when the farm itself is killed.

A phone with a pid namespace ends with its init. One without has only the mark, and a farm that was
killed can't look for it any more; so a small shell waits for the farm's end and does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess

from harness.virtual.phone import SERIAL_VARIABLE
from harness.virtual.root.tools import shell_path

# $1 is the mark. The farm never writes, so read returns when the farm's end of the pipe is closed.
# A process that is being started meanwhile is found in the next round.
_SCRIPT = """
read -r _
for _ in 1 2 3 4 5; do
  found=
  for file in $(grep -lszxF -e "$1" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    found="$found ${pid%/environ}"
  done
  [ -n "$found" ] || exit 0
  kill -9 $found
  sleep 0.1
done
"""


class Watcher:
    """The shell that waits.

    Args:
        serial: The phone's serial number.
    """

    def __init__(self, serial: str) -> None:
        self._mark = f"{SERIAL_VARIABLE}={serial}"
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: int | None = None

    async def start(self) -> None:
        """Begin to wait; without grep on this host nothing happens."""
        if self._process is not None or shutil.which("grep") is None:
            return
        reading, self._lifeline = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(shell_path()),
                "-c",
                _SCRIPT,
                "phone-watcher",
                self._mark,
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,  # what ends the farm's group must leave it alive
            )
        finally:
            os.close(reading)

    async def stop(self) -> None:
        """Wait no longer. Idempotent."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
