"""Clients at their pinned versions, from package registries, each in a folder of its own.

A folder is kept (``build/clients`` is not git's) and is used again; one that was cut short lacks
its mark and is made anew.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.clients.outcome import shortened

CACHE = Path(__file__).resolve().parents[3] / "build/clients"
_LIMIT_S = 900.0
_MARK = ".complete"


class NotHereError(RuntimeError):
    """A client cannot be had here; the message says why."""


def python_environment(packages: Sequence[str], *, below: tuple[int, int] = (4, 0)) -> Path:
    """Return a Python with these packages (``name==version``), in an environment of their own.

    Args:
        packages: The first gives the environment its name.
        below: The first Python that they are not for.

    Raises:
        NotHereError: pip could not install them, or this Python is too new.
    """
    if sys.version_info[:2] >= below:
        raise NotHereError(f"not for Python {below[0]}.{below[1]} and later")
    folder = CACHE / "-".join(packages[0].split("=="))
    python = folder / "bin/python"
    if not _complete(folder, packages):
        _ran([sys.executable, "-m", "venv", "--clear", str(folder)], "venv")
        _ran([str(python), "-m", "pip", "install", "--quiet", *packages], "pip")
        _mark(folder, packages)
    return python


def source_distribution(package: str) -> Path:
    """Return the unpacked sources that a package index has of a package.

    Raises:
        NotHereError: pip could not get them.
    """
    folder = CACHE / ("sources-" + "-".join(package.split("==")))
    if not _complete(folder, [package]):
        _empty(folder)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
        _ran([*pip, ":all:", "--dest", str(folder), package], "pip")
        for archive in folder.glob("*.tar.gz"):
            _ran(["tar", "-xzf", str(archive), "-C", str(folder)], "tar")
            archive.unlink()
        _mark(folder, [package])
    return next(path for path in folder.iterdir() if path.is_dir())


def node_folder(packages: Sequence[str]) -> Path:
    """Return a folder with these npm packages (``name@version``) in ``node_modules``.

    Raises:
        NotHereError: No node or npm, or npm could not install them.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NotHereError(f"{program} is not installed")
    folder = CACHE / packages[0].strip("@").replace("/", "-").replace("@", "-")
    if not _complete(folder, packages):
        _empty(folder)
        npm = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        _ran([*npm, "--fetch-retries=1", "--prefix", str(folder), *packages], "npm")
        _mark(folder, packages)
    return folder


def _complete(folder: Path, packages: Sequence[str]) -> bool:
    mark = folder / _MARK
    return mark.is_file() and mark.read_text("utf-8") == "\n".join(packages)


def _mark(folder: Path, packages: Sequence[str]) -> None:
    (folder / _MARK).write_text("\n".join(packages), "utf-8")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _ran(command: Sequence[str], program: str) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotHereError(f"{program}: {error}") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERR" in line.upper()]
        why = shortened(" ".join(errors[-2:])) or f"exit code {done.returncode}"
        raise NotHereError(f"{program} could not install it (no network?): {why}")
