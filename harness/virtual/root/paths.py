"""Phone paths to host files, never past the phone's folder."""

from __future__ import annotations

import errno
import os
from collections import deque
from pathlib import Path

_MOST_LINKS = 40  # as the kernel's MAXSYMLINKS


def resolve(root: Path, phone_path: str, *, follow: bool, foreign_root: bool) -> Path:
    """Walk ``phone_path`` inside ``root`` and return the host file it names.

    Args:
        root: Host folder that is the phone's ``/``; absolute and free of links.
        phone_path: Path as a client wrote it; relative paths start at ``/``.
        follow: Resolve a link in the last component too, as a slash at the end always does.
        foreign_root: The phone's processes have the host's root, not ``root``: host paths under
            ``root`` are taken as they are, and an absolute link means the host's file.

    Raises:
        PermissionError: The path or a link on it leads out of ``root``.
        OSError: ELOOP, ENOTDIR, ENAMETOOLONG, as ``lstat`` would say.
    """
    follow = follow or phone_path.endswith(("/", "/."))
    here = str(root)
    todo = deque(_parts(_strip_root(root, phone_path) if foreign_root else phone_path))
    links = 0
    while todo:
        part = todo.popleft()
        if part == "..":
            if here == str(root):
                raise _outside(phone_path)
            here = os.path.dirname(here)  # noqa: PTH120 - text, not pathlib: this is a hot path
            continue
        candidate = f"{here}/{part}" if here != "/" else f"/{part}"
        target = _link_target(candidate) if todo or follow else None
        if target is None:
            here = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), phone_path)
        if target.startswith("/"):
            if foreign_root:
                inside = _strip_root(root, target)
                if inside == target:
                    raise _outside(phone_path)
                target = inside
            here = str(root)
        todo.extendleft(reversed(_parts(target)))
    return Path(here)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _strip_root(root: Path, path: str) -> str:
    """Take ``root`` off the front of a host path; other paths come back unchanged."""
    prefix = str(root)
    if path == prefix or path.startswith(f"{prefix}/"):
        return path[len(prefix) :] or "/"
    return path


def _link_target(path: str) -> str | None:
    """Return where a link points, None for what is no link or isn't there."""
    try:
        return os.readlink(path)  # noqa: PTH115
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def _outside(phone_path: str) -> PermissionError:
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES), phone_path)
