"""The tools of the host that a virtual phone lends: what toybox has on a real one.

A phone's PATH holds ``system/bin`` alone, since with ``/usr/bin`` on it the host's su or ip would
become tools of the phone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

# Left out on purpose: pkill, killall, pgrep, mount, su, dmesg, ip. Without namespaces they would
# act on the host or show it; what a phone needs of them comes as a shim.
TOOLS = tuple(
    """
    awk base64 basename bc cat chmod chown cksum clear cmp comm cp cut date dd df diff dirname du
    echo egrep env expand expr false fgrep find flock fold getconf grep groups gunzip gzip head id
    ln ls md5sum mkdir mkfifo mktemp mv nice nl nohup nproc od paste patch printenv printf pwd
    readlink realpath rev rm rmdir sed seq setsid sha1sum sha224sum sha256sum sha384sum sha512sum
    sleep sort split stat stdbuf strings stty sync tac tail tar taskset tee test timeout touch tr
    true truncate tty uname uniq wc which whoami xargs xxd yes zcat
    """.split()  # noqa: SIM905 - a table of words, not a list of ninety lines
)

_MULTI_CALL = ("busybox", "toybox", "coreutils")
_SHELLS = ("mksh", "dash", "ash", "sh")


def shell_path() -> Path:
    """Return the host's shell that is nearest to Android's.

    mksh and dash expand backslashes in ``echo`` as Android's sh does, and clients rely on that;
    bash doesn't.

    Raises:
        FileNotFoundError: The host has no sh.
    """
    for name in _SHELLS:
        found = tool_path(name)
        if found:
            return found
    raise FileNotFoundError("this host has no sh on PATH")


def tool_path(name: str) -> Path | None:
    """Return the host's file for a tool, free of links but for a multi-call binary's."""
    found = shutil.which(name)
    if found is None:
        return None
    path = Path(found)
    real = path.resolve()
    if real.name.startswith(_MULTI_CALL):
        # busybox and the like know their task by the name they are called by
        return path.parent.resolve() / path.name
    return real


def link_tools(bin_dir: Path) -> None:
    """Link the lent tools and ``sh`` into ``bin_dir``; what is there already stays (shims)."""
    bin_dir.mkdir(parents=True, exist_ok=True)
    _link(bin_dir / "sh", shell_path())
    for name in TOOLS:
        host = tool_path(name)
        if host is not None:
            _link(bin_dir / name, host)


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() and not link.exists():
        link.symlink_to(target)
