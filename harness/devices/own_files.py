"""Files of one's own among those that ship: one that is wrong is left out, and told once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from harness.errors import InputError

_LOG = logging.getLogger(__name__)
_told: set[str] = set()
FileT = TypeVar("FileT")


def readable(
    files: Iterable[Path], read: Callable[[Path], FileT]
) -> tuple[list[FileT], list[InputError]]:
    """Read files, each for itself; a wrong one stops no command.

    Args:
        files: In order.
        read: Reads one; raises `InputError` if it is wrong.

    Returns:
        What could be read, and what is wrong with the others. That is logged too, once a process.
    """
    found: list[FileT] = []
    wrong: list[InputError] = []
    for path in files:
        contents = _read(path, read)
        if isinstance(contents, InputError):
            wrong.append(contents)
        else:
            found.append(contents)
    for error in wrong:
        if str(error) not in _told:
            _told.add(str(error))
            _LOG.warning("a file is left out: %s", error)
    return found, wrong


def _read(path: Path, read: Callable[[Path], FileT]) -> FileT | InputError:
    try:
        return read(path)
    except InputError as error:
        return error
