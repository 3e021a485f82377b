"""Processes of Android that clients look for on every phone; nothing of them runs here.

On a phone with a pid namespace they are real processes that only wait, under their names and with
these pids, which the lines of the log carry too. Elsewhere they are in the lists of ``ps`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.virtual.phone import Shell
from harness.virtual.root.tools import installed_tools, is_multi_call

NAMES_FOLDER = "data/system/vlab/names"
"""Below the phone's root: links to its shell. A process begun by one has the link's name."""


@dataclass(frozen=True)
class Daemon:
    """One of them.

    Args:
        name: Its name.
        user: Name of its user.
        uid: Number of its user.
        pid: Its phone pid.
        parent: Its parent's.
    """

    name: str
    user: str
    uid: int
    pid: int
    parent: int = 1


INIT = Daemon("init", "root", 0, 1, 0)
LMKD = Daemon("lmkd", "lmkd", 1069, 412)
SURFACE_FLINGER = Daemon("surfaceflinger", "system", 1000, 545)
ZYGOTE = Daemon("zygote64", "root", 0, 640)
SYSTEM_SERVER = Daemon("system_server", "system", 1000, 1021, ZYGOTE.pid)
DAEMONS = (INIT, LMKD, SURFACE_FLINGER, ZYGOTE, SYSTEM_SERVER)
"""By pid."""


def name_link(root: Path, name: str, shell: Shell | None) -> str | None:
    """Make a link by which the phone's shell has another name; return its path below the root.

    None: this shell is a program that knows its task by its name.

    Args:
        root: Host folder of the phone.
        name: The name that a process shall have.
        shell: Kind of the phone's shell.
    """
    target = installed_tools(shell).shell
    if is_multi_call(target):
        return None
    link = root / NAMES_FOLDER / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return f"{NAMES_FOLDER}/{name}"
