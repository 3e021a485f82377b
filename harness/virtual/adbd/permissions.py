"""Where adbd, which runs as the user shell, may read and write on a phone.

Source: AOSP ``rootdir/init.rc`` (owners and modes under /data), ``sepolicy`` (what of it a shell
may search) and the shell's groups in ``daemon/main.cpp``; the system partition is mounted for
reading.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePosixPath

from harness.virtual.phone import PhoneRoot
from harness.virtual.root.layout import UNLISTED

_SHELLS_OWN = ("data/local/tmp", "storage/emulated/0")
_WRITABLE_DEVICES = ("dev/null", "dev/zero", "dev/full")
# Mounted for writing, but not the shell's; all else is the system partition's.
_OTHERS = ("data", "storage", "mnt", "dev", "proc", "sys")


# Of the folders that the shell may not list, those that it may not enter either.
_NOT_ENTERED = ("data/system", "data/data", "data/user/0", "data/user_de/0")
_SHELLS_DATA = "data/user_de/0/com.android.shell"


def may_stat(phone_path: str) -> bool:
    """Say whether the shell learns anything about a path.

    Args:
        phone_path: The path, links resolved, without a slash at its beginning.
    """
    path = PurePosixPath(phone_path)
    if path.is_relative_to(_SHELLS_DATA):
        return True
    return not any(PurePosixPath(folder) in path.parents for folder in _NOT_ENTERED)


def may_read(phone_path: str) -> bool:
    """Say whether the shell may read a file, or list a folder; see :func:`may_stat`."""
    return may_stat(phone_path) and phone_path not in UNLISTED


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


def path_to_read(
    root: PhoneRoot, phone_path: str, *, follow: bool = True, content: bool = False
) -> Path:
    """Return the host file that stands for a path which is read or looked at.

    Args:
        root: The phone.
        phone_path: The path.
        follow: Resolve a link in the last component too.
        content: What is in it shall be read, or listed.

    Raises:
        OSError: The shell may not, or there is no such path.
    """
    inside = root.host_path(phone_path, follow=follow)
    name = inside.relative_to(root.root_dir).as_posix()
    if not (may_read(name) if content else may_stat(name)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), phone_path)
    return root.readable_path(phone_path, follow=follow)
