"""Finding run folders by path or by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.errors import InputError, did_you_mean
from harness.results.names import is_safe_name

RUN_ROOT = Path("runs")


def run_folder(given: Path, root: Path = RUN_ROOT) -> Path:
    """Return the run folder that the user means: a path, a name under ``root``, or ``latest``.

    Raises:
        InputError: There is none.
    """
    for candidate in (given, root / given):
        if (candidate / "run.json").is_file():
            return candidate
    records = sorted(root.glob("*/run.json"), key=_started)
    known = [path.parent.name for path in records]
    if str(given) == "latest" and known:
        return root / known[-1]
    meant = did_you_mean(given.name, known)
    hint = f"There are no runs in {root}/ yet."
    if known:
        hint = f"{meant}Runs here: {', '.join(known[-5:])}"
    raise InputError("no such run (no run.json there)", where=str(given), hint=hint)


def _started(record: Path) -> tuple[str, str]:
    """Return when a run began and its name; names need not tell their time."""
    try:
        known = json.loads(record.read_bytes())
    except (OSError, ValueError):
        known = None
    started = known.get("started_utc") if isinstance(known, dict) else None
    return (started if isinstance(started, str) else "", record.parent.name)


def check_new_run(root: Path, name: str | None) -> None:
    """Check that a run folder can be made, before phones are started for it.

    Args:
        root: Where run folders are kept.
        name: Of the folder; None for one that is made up.

    Raises:
        InputError: The name is taken or none that a folder may have, or nobody may write there.
    """
    if name is not None and not is_safe_name(name):
        raise InputError(
            f"{name!r} is not a name for a run folder",
            where="--name",
            hint="It has letters, digits, dot, dash and underscore, and begins with no dot; "
            "--runs says where it lies.",
        )
    if name is not None and (root / name).exists():
        raise InputError(
            f"there is a run folder {name!r} in {root} already",
            where="--name",
            hint=f"Give another name, or finish that run: harness resume {root / name}.",
        )
    there = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        what = "is not a folder" if not there.is_dir() else "cannot be written"
        raise InputError(
            f"{there} {what}", where=f"--runs {root}", hint="Name another folder for runs."
        )
