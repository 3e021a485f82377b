"""The programs that a virtual phone has: Android's shell and applets, or the host's own.

With the shell ``android`` ``sh`` is mksh and each applet that Debian's toybox has is toybox's; the
rest is lent by the host and listed. A phone's PATH holds ``system/bin`` alone, since with
``/usr/bin`` on it the host's su or ip would become tools of the phone.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.virtual.phone import Shell

# Left out on purpose: pkill, killall, pgrep, mount, su, dmesg, ip, toybox itself. Without
# namespaces they would act on the host or show it; what a phone needs of them comes as a shim.
# Left out since no Android has them: stdbuf, fold.
# Source: AOSP system/core/shell_and_utilities, its lists for Android 8 to 16.
TOOLS = tuple(
    """
    awk base64 basename bc cat chgrp chmod chown cksum clear cmp comm cp cpio cut date dd df diff
    dirname dos2unix du echo egrep env expand expr fallocate false fgrep find flock fsync getconf
    grep groups gunzip gzip head id inotifyd ionice ln ls md5sum mkdir mkfifo mktemp
    mountpoint mv nc netcat nice nl nohup nproc od paste patch printenv printf pwd readlink realpath
    renice rev rm rmdir sed seq setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort
    split stat strings stty sync tac tail tar taskset tee test timeout touch tr true truncate tty
    uname uniq unix2dos unlink usleep uudecode uuencode wc which whoami xargs xxd yes zcat
    """.split()  # noqa: SIM905 - a table of words, not a list of ninety lines
)

_MULTI_CALL = ("busybox", "toybox", "coreutils")
_HOST_SHELLS = ("dash", "ash", "mksh", "sh")


@dataclass(frozen=True)
class Tools:
    """The programs of a phone, as files of the host.

    Attributes:
        kind: ``android``: mksh and toybox; ``host``: the host's.
        shell: What ``sh`` is.
        programs: The file of each tool; toybox's knows its task by the name it is called by.
        lent: Tools of the host on a phone of the kind ``android``.
    """

    kind: Shell
    shell: Path
    programs: Mapping[str, Path]
    lent: tuple[str, ...] = ()

    def command(self, name: str) -> str:
        """Return the words that call a tool from a script, whatever the script's own name."""
        path = self.programs[name]
        return f"{path} {name}" if path.name == "toybox" else str(path)

    def link_into(self, bin_dir: Path) -> None:
        """Link ``sh`` and all tools into a folder; files that are no links stay (shims)."""
        bin_dir.mkdir(parents=True, exist_ok=True)
        for name, target in {**self.programs, "sh": self.shell}.items():
            _link(bin_dir / name, target)


def has_android_shell() -> bool:
    """Say whether this host has Android's shell and tools: mksh and toybox."""
    return tool_path("mksh") is not None and tool_path("toybox") is not None


@functools.cache
def installed_tools(kind: Shell | None = None) -> Tools:
    """Return the programs for a phone's shell; None: Android's where they are installed.

    Raises:
        FileNotFoundError: They are not installed, or the host has no sh.
    """
    if kind is None:
        kind = "android" if has_android_shell() else "host"
    host = {name: path for name in TOOLS if (path := tool_path(name)) is not None}
    if kind == "host":
        return Tools("host", _host_shell(), host)
    mksh, toybox = tool_path("mksh"), tool_path("toybox")
    if mksh is None or toybox is None:
        raise FileNotFoundError("mksh and toybox are not both on PATH")
    answer = subprocess.run([toybox], capture_output=True, text=True, check=True)
    applets = set(answer.stdout.split())
    programs = host | {name: toybox for name in TOOLS if name in applets}
    lent = tuple(sorted(name for name in programs if name not in applets))
    return Tools("android", mksh, programs, lent)


def _host_shell() -> Path:
    """Return a shell of the host that expands backslashes in ``echo`` as Android's sh does.

    Clients rely on that; bash doesn't, and is taken only where there is nothing else.
    """
    for name in _HOST_SHELLS:
        path = tool_path(name)
        if path is not None:
            return path
    raise FileNotFoundError("this host has no sh on PATH")


def tool_path(name: str) -> Path | None:
    """Return the host's file for a tool, free of links but for a multi-call binary's."""
    where = shutil.which(name)
    if where is None:
        return None
    path = Path(where)
    real = path.resolve()
    if is_multi_call(real):
        return path.parent.resolve() / path.name
    return real


def is_multi_call(path: Path) -> bool:
    """Say whether a program knows its task by the name it is called by, as busybox does."""
    return path.resolve().name.startswith(_MULTI_CALL)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() != target:
        link.unlink()  # of another shell, when the folder was used before
    if not link.is_symlink() and not link.exists():
        link.symlink_to(target)
