"""Files that a command of the system reads or writes for who called it: as the user shell may."""

from __future__ import annotations

from pathlib import Path

from harness.virtual.adbd.permissions import check_write, is_sink
from harness.virtual.phone import PhoneRoot
from harness.virtual.system.call import Call


def place_to_write(root: PhoneRoot, call: Call, path: str) -> Path | None:
    """Return the host file behind a path that may be written; None: it stands for /dev/null.

    Args:
        root: The phone.
        call: The command; a relative path is below the folder it was called in.
        path: As the caller names it.

    Raises:
        OSError: It's not the shell's to write.
    """
    host = root.host_path(call.absolute(path))
    if is_sink(root, host):
        return None
    check_write(root, host)
    return host


def save(root: PhoneRoot, call: Call, path: str, data: bytes) -> bool:
    """Write a file, or say on standard error why not; return whether it's written."""
    try:
        host = place_to_write(root, call, path)
        if host is not None:
            host.write_bytes(data)
    except OSError as error:
        call.error(f"{call.name}: {path}: {error.strerror}")
        return False
    return True
