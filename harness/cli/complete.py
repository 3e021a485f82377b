"""What a shell completes: names of scenarios, runs and profiles, and files beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from harness.cli.runs import RUN_ROOT
from harness.paths import named_files

_ZSH_CALL = """
# the first Tab loads this file: it is to complete, too, and not only to define how
if [ "$funcstack[1]" = "_%(prog_name)s" ]; then
  %(complete_func)s "$@"
fi
"""


def complete_at_first_tab() -> None:
    """Let what ``--install-completion`` writes for zsh complete at the first Tab of a shell.

    typer's script only defines its function when zsh loads it, so that the first Tab did nothing.
    """
    # typer has no public place for it; without this one, the second Tab completes
    with contextlib.suppress(ImportError, AttributeError, KeyError):
        from typer import _completion_shared as shared

        if _ZSH_CALL not in shared._completion_scripts["zsh"]:
            shared._completion_scripts["zsh"] += _ZSH_CALL


def scenario_names(incomplete: str) -> list[str]:
    """Return scenarios by name, and YAML files of the folder that is being typed."""
    names = _beginning(named_files("scenarios", inner=True), incomplete)
    return [*names, *_files(incomplete, (".yaml", ".yml"))]


def run_names(incomplete: str) -> list[str]:
    """Return ``latest``, runs by name, and folders of the folder that is being typed."""
    runs = RUN_ROOT.iterdir() if RUN_ROOT.is_dir() else ()
    names = sorted(path.name for path in runs if (path / "run.json").is_file())
    return [*_beginning(["latest", *names], incomplete), *_files(incomplete, ())]


def profile_names(incomplete: str) -> list[str]:
    """Return device profiles by name."""
    return _beginning(named_files("device_profiles"), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """Return folders, and files with these endings, that begin as what is typed."""
    typed = Path(incomplete).expanduser()
    folder = typed if incomplete.endswith("/") else typed.parent
    if not incomplete or not folder.is_dir():
        folder = Path()
    prefix = incomplete[: incomplete.rfind("/") + 1]
    start = incomplete[len(prefix) :]
    shown = [
        path
        for path in sorted(folder.iterdir())
        if path.name.startswith(start) and not (path.name.startswith(".") and not start)
    ]
    return [
        f"{prefix}{path.name}{'/' if path.is_dir() else ''}"
        for path in shown
        if path.is_dir() or path.suffix in endings
    ]
