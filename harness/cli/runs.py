"""Finding run folders by path or by name."""

from __future__ import annotations

from pathlib import Path

from harness.errors import InputError

RUN_ROOT = Path("runs")


def run_folder(given: Path, root: Path = RUN_ROOT) -> Path:
    """Return the run folder that the user means: a path, a name under ``root``, or ``latest``.

    Raises:
        InputError: There is none.
    """
    for candidate in (given, root / given):
        if (candidate / "run.json").is_file():
            return candidate
    known = sorted(path.parent.name for path in root.glob("*/run.json"))
    if str(given) == "latest" and known:
        return root / known[-1]
    hint = f"Runs here: {', '.join(known[-5:])}" if known else f"There are no runs in {root}/ yet."
    raise InputError("no such run (no run.json there)", where=str(given), hint=hint)
