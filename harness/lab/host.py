"""What ``run.json`` says of the machine and the versions that made a run."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import sys

from harness import __version__
from harness.results.run import HostRecord
from harness.version import commit

_PACKAGES = (
    "adbutils",
    "ai-edge-litert",
    "espeakng-loader",
    "jiwer",
    "numpy",
    "pyarrow",
    "pydantic",
)


def versions() -> dict[str, str]:
    """Return the versions of what a result depends on.

    ``commit`` is the git commit of the harness where it runs from a checkout, else not there.
    """
    version_of = {"python": platform.python_version(), "mobileasr-lab": __version__}
    if found_commit := commit():
        version_of["commit"] = found_commit
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            version_of[package] = importlib.metadata.version(package)
    return version_of


def host_record() -> HostRecord:
    """Return this machine as a run records it."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    except (ValueError, OSError):
        memory = 0.0
    return HostRecord(
        platform=platform.platform(),
        cpus=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        memory_mb=memory,
        python=platform.python_version(),
    )
