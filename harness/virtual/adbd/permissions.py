"""Where adbd, which runs as the user shell, may write on a phone.

Source: AOSP ``rootdir/init.rc`` (owners and modes under /data) and the shell's groups in
``daemon/main.cpp``; the system partition is mounted for reading.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from harness.virtual.phone import PhoneRoot

_SHELLS_OWN = ("data/local/tmp", "storage/emulated/0")
_WRITABLE_DEVICES = ("dev/null", "dev/zero", "dev/full")
# Mounted for writing, but not the shell's; all else is the system partition's.
_OTHERS = ("data", "storage", "mnt", "dev", "proc", "sys")


def is_sink(root: PhoneRoot, host: Path) -> bool:
    """Say whether a host file of the phone stands for a device that takes what is written."""
    return host.relative_to(root.root_dir).as_posix() in _WRITABLE_DEVICES


def check_write(root: PhoneRoot, host: Path) -> None:
    """Let a file or folder be made, replaced or removed, or refuse it as a phone does.

    Args:
        root: The phone.
        host: The host file behind the phone's path, links resolved.

    Raises:
        PermissionError: It is not the shell's (EACCES).
        OSError: It is on a partition mounted for reading (EROFS), or is a folder of the phone.
    """
    inside = host.relative_to(root.root_dir)
    if any(inside.is_relative_to(folder) for folder in _SHELLS_OWN):
        return
    if host.is_dir():
        number = errno.EISDIR
    elif inside.parts and inside.parts[0] in _OTHERS:
        number = errno.EACCES
    else:
        number = errno.EROFS
    raise OSError(number, os.strerror(number), f"/{inside}")
