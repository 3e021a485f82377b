"""Which harness this is: its version, and the git commit of the checkout that it runs from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from harness import __version__

_LIMIT_S: Final = 10.0
_ROOT: Final = Path(__file__).resolve().parent.parent


def commit(root: Path = _ROOT) -> str:
    """Return the commit of a checkout, ``-dirty`` added where tracked files were changed.

    Args:
        root: Folder that the package lies in.

    Returns:
        Twelve digits; empty where this is no checkout (an installed wheel) or git is not there.
    """
    if not (root / ".git").exists():
        return ""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    if not head or changed is None:
        return ""
    return f"{head}-dirty" if changed else head


def version_words() -> str:
    """Return name, version and commit in one line."""
    found = commit()
    return f"mobileasr-lab {__version__}{f' (commit {found})' if found else ''}"


def _git(root: Path, *words: str) -> str | None:
    """Return what git prints; None if it fails or there is none."""
    # of this folder, whatever repository the caller's environment names
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "--no-optional-locks", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
