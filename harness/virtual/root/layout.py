"""The folders that every virtual phone has, and what its processes find in their environment."""

from __future__ import annotations

import os
from pathlib import Path

from harness.virtual.phone import SERIAL_VARIABLE, PhoneSpec, Shell
from harness.virtual.root.tools import installed_tools

_FOLDERS = (
    "data/local/tmp",
    "data/misc",
    "data/system",
    "data/app",
    "data/data",
    "data/user/0",
    "data/user_de/0/com.android.shell/files/bugreports",
    "dev/__props",
    "mnt",
    "proc",
    "storage/emulated/0/Download",
    "storage/self",
    "sys",
    "system/bin",
    "system/etc",
)

# 2000 is AID_SHELL (AOSP android_filesystem_config.h), the user of everything started by adbd.
_USERS = (
    "root:x:0:0:root:/:/system/bin/sh\n"
    "system:x:1000:1000:system:/:/system/bin/sh\n"
    "shell:x:2000:2000:shell:/data/local/tmp:/system/bin/sh\n"
)
_GROUPS = "root:x:0:\nsystem:x:1000:\nshell:x:2000:\n"


# As on a phone the shell may enter these, and neither list them nor make anything there.
_CLOSED = ("data/local", "data")
# Likewise, but the farm makes files there; if it's not root, so may the shell, which is its user.
_SYSTEMS_OWN = ("data/app", "data/data", "data/misc", "data/system", "data/user/0", "data/user",
                "data/user_de/0", "data/user_de")  # fmt: skip
UNLISTED = (*_SYSTEMS_OWN, *_CLOSED)
"""Folders that the shell may not list."""
_ENTER, _ENTER_AND_MAKE = 0o111, 0o311

# Relative: true for the host and for the phone.
LINKS = {
    "sdcard": "storage/emulated/0",
    "storage/self/primary": "../emulated/0",
    "mnt/sdcard": "../storage/self/primary",
}
"""Names of the shared storage, and where each leads."""


def make_folders(root: Path, shell: Shell | None = None) -> None:
    """Make what is missing of a phone's folder; existing files stay."""
    for folder in reversed(UNLISTED):  # from the outside in
        if (root / folder).is_dir():
            (root / folder).chmod(0o755)
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        link = root / name
        if not link.is_symlink() and not link.exists():
            link.symlink_to(target)
    for name, text in (("passwd", _USERS), ("group", _GROUPS)):
        path = root / "system/etc" / name
        if not path.exists():
            path.write_text(text, encoding="ascii")
    installed_tools(shell).link_into(root / "system/bin")
    for folder in _SYSTEMS_OWN:
        (root / folder).chmod(_ENTER if os.geteuid() == 0 else _ENTER_AND_MAKE)
    for folder in _CLOSED:
        (root / folder).chmod(_ENTER)


def environment(spec: PhoneSpec, prefix: str) -> dict[str, str]:
    """Return the environment of the phone's processes.

    Args:
        spec: The phone.
        prefix: What stands before a phone path for its processes (empty with a root of its own).
    """
    return {
        SERIAL_VARIABLE: spec.serial,
        "VLAB_ROOT": prefix or "/",
        "PATH": f"{prefix}/system/bin",
        "ANDROID_ROOT": f"{prefix}/system",
        "ANDROID_DATA": f"{prefix}/data",
        "ANDROID_STORAGE": f"{prefix}/storage",
        "EXTERNAL_STORAGE": f"{prefix}/sdcard",
        "TMPDIR": f"{prefix}/data/local/tmp",
        "HOME": f"{prefix}/data/local/tmp",
        "SHELL": f"{prefix}/system/bin/sh",
        "USER": "shell",
        "LOGNAME": "shell",
        "TERM": "dumb",
        "PS1": f"{spec.serial}:$PWD $ ",
        # names with any bytes must come through; C.UTF-8 is in every glibc and musl
        "LANG": "C.UTF-8",
        "TZ": spec.properties.get("persist.sys.timezone", "UTC"),
    }
