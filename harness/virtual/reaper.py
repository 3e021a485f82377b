"""Cleans up after a farm that died without saying goodbye.

Run by the farm as a process of its own (``python -I -S reaper.py``), in a session of its own, with
the farm's end of a pipe as standard input. It reads lines ``serial NAME``, ``folder PATH`` and
``done``; when the pipe ends without ``done``, it kills all processes with one of the serials and
removes the folders. It imports nothing of the harness, so that it starts fast and stays small.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable

VARIABLE = "VLAB_SERIAL"
"""The mark, see ``harness.virtual.phone.SERIAL_VARIABLE``."""

_ROUNDS = 200


def marked_processes(serials: set[str]) -> list[int]:
    """Return all processes of this host that carry one of the serials."""
    marks = [f"{VARIABLE}={serial}".encode() for serial in serials]
    pids = []
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as environ:  # noqa: PTH123
                variables = environ.read().split(b"\0")
        except OSError:
            continue
        if any(mark in variables for mark in marks):
            pids.append(int(entry))
    return pids


def kill_all(serials: set[str]) -> None:
    """Kill all marked processes, and those they start meanwhile."""
    for _ in range(_ROUNDS):
        pids = marked_processes(serials)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def remove_tree(folder: str | os.PathLike[str]) -> None:
    """Remove a folder with all in it, also where its own folders are closed to their owner."""

    def open_and_retry(remove: Callable[[str], object], path: str, _: object) -> None:
        for closed in (os.path.dirname(path), path):  # noqa: PTH120
            with contextlib.suppress(OSError):
                if not os.path.islink(closed):  # noqa: PTH114
                    os.chmod(closed, 0o700)  # noqa: PTH101
        with contextlib.suppress(OSError):
            if remove in (os.unlink, os.rmdir):
                remove(path)
            elif os.access(path, os.R_OK | os.W_OK | os.X_OK):  # it could not be looked into
                remove_tree(path)

    shutil.rmtree(folder, onerror=open_and_retry)


def main() -> None:
    """Wait for the farm's end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the farm decides; its pipe tells
    serials: set[str] = set()
    folders: list[str] = []
    for line in sys.stdin:
        word, _, value = line.rstrip("\n").partition(" ")
        if word == "serial":
            serials.add(value)
        elif word == "folder":
            folders.append(value)
        elif word == "done":
            return
    if serials:
        kill_all(serials)
    for folder in folders:
        remove_tree(folder)


if __name__ == "__main__":
    main()
