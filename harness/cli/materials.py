"""Models and recordings of a scenario, with a bar while speech is made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from harness.cli import console
from harness.lab import Materials


@contextlib.contextmanager
def shown_materials(folder: Path) -> Iterator[Materials]:
    """Give a scenario's materials; while they are made, show how far it is.

    Args:
        folder: Relative paths of the scenario start here.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console.err,
        transient=True,
        disable=not console.err.is_terminal,
    )
    tasks: dict[str, TaskID] = {}

    def told(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
            if not console.err.is_terminal:
                console.note(f"{what} ({total} utterances) ...")
        bar.update(tasks[what], completed=done, total=total)

    with bar:
        yield Materials(folder, progress=told)
