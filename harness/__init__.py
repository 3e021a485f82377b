"""A device-lab bench for on-device speech training.

Layout and floors are described in ``ARCHITECTURE.md``; each folder's ``__init__`` says what
lives there and who may call it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.export.frames import Run

__all__ = ["__version__", "open_run"]

__version__ = "0.2.0"


def open_run(path: str | Path) -> Run:
    """Open a run folder as pandas data frames: `harness.export.frames.Run`.

    It is imported when it is called: nothing else in here is to depend on it.

    Raises:
        InputError: ``path`` is no run folder.
    """
    run: type[Run] = importlib.import_module("harness.export.frames").Run
    return run(Path(path))
