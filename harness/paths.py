"""Where the data that ships with the project lies (profiles, scenarios, models, templates)."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """Return the folder that holds ``device_profiles``, ``scenarios``, ``models`` and ``reports``.

    A checkout has them beside the package; an installed wheel has them in ``harness/_data``.
    """
    checkout = _PACKAGE.parent
    return checkout if (checkout / "device_profiles").is_dir() else _PACKAGE / "_data"


def cache_root() -> Path:
    """Return the folder for what can be made again (synthetic speech, farms' roots)."""
    base = os.environ.get("MOBILEASR_LAB_CACHE")
    if base:
        return Path(base)
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "mobileasr-lab"
