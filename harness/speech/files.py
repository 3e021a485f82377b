"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

_PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}~")


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file so that it is there whole or not at all; who may read it, the umask says.

    Args:
        path: Its name; its folder is made.
        data: What is in it, or pieces of it in turn.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}~"
    try:
        with partial.open("xb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def is_partial(path: Path) -> bool:
    """Tell whether a file is what `write_atomically` left when its process was killed."""
    return _PARTIAL.fullmatch(path.name) is not None
