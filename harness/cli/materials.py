"""Models and recordings of a scenario, with a bar while speech is made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from harness.cli import console
from harness.cli.feeds import feed_of
from harness.lab import Materials, check_scenario
from harness.lab.feed import FeedProgram
from harness.scenario import LoadedScenario


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


def checked(loaded: LoadedScenario, only: Sequence[str]) -> tuple[Materials, FeedProgram | None]:
    """Check all that a scenario names, before a phone is looked for.

    Args:
        loaded: The scenario.
        only: Its filters.

    Returns:
        What its jobs train with, and what adds its rounds, see `feed_of`.

    Raises:
        InputError: Something in it is wrong or missing, or a server cannot be made.
    """
    with shown_materials(loaded.folder) as materials:
        check_scenario(loaded, materials, only)
    return materials, feed_of(loaded, only)


def model_takes(name: str) -> Callable[[int, str], None]:
    """Return a check of (samples at 16 kHz, transcript) against what a model takes.

    Args:
        name: Of a shipped model, or a model's folder.

    Raises:
        InputError: There is no such model, or its file is none that the trainer can use.
    """
    from harness.lab.planning.models import Models
    from harness.scenario.schema import ModelChoice
    from harness.trainer.batches import check_recording

    folder = Path(name)
    choice = ModelChoice(path=name) if folder.is_dir() else ModelChoice(name=name)
    model = Models(Path.cwd()).model(choice)
    info = model.info(min(model.manifest.files))
    return lambda samples, text: check_recording(samples, text, info)
