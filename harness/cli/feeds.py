"""The program that adds tasks to a run, where its scenario asks for one."""

from __future__ import annotations

from pathlib import Path

from harness.lab.feed import FeedProgram
from harness.results.store import RunFolder
from harness.scenario import LoadedScenario


def feed_of(loaded: LoadedScenario) -> FeedProgram | None:
    """Return what adds the rounds of a federated scenario; None for any other."""
    return _rounds(loaded.folder) if loaded.scenario.federated is not None else None


def feed_of_run(folder: Path) -> FeedProgram | None:
    """Return what adds the rounds to a run that is resumed; None if it has none.

    Raises:
        InputError: It is no run folder.
    """
    record = RunFolder.open(folder).record()
    if record.scenario.get("federated") is None:
        return None
    return _rounds(Path(record.scenario_source).parent.resolve())


def _rounds(folder: Path) -> FeedProgram:
    from harness.federated import federated_program

    return federated_program(folder)
