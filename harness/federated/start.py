"""The task that leaves the start of a federated training as a file."""

from __future__ import annotations

from pathlib import Path

from harness.federated.clients import Federation
from harness.federated.rounds import START, start_arguments
from harness.lab.feed import TaskFeed
from harness.lab.planning.models import Models
from harness.lab.planning.needs import job_needs
from harness.scenario.task import HostCall, Task


def add_start(federation: Federation, feed: TaskFeed, folder: Path) -> None:
    """Add it, unless the run has it.

    Args:
        federation: Whose.
        feed: Takes it.
        folder: Relative paths of the scenario start here.
    """
    name = federation.model(0)
    if feed.knows(name):
        return
    needs = job_needs(Task.of_job(next(iter(federation.starts.values()))), Models(folder))
    arguments = start_arguments(
        federation.name,
        federation.settings,
        needs.flatbuffer.path,
        None if needs.start is None else needs.start.path,
    )
    feed.add([Task(name, HostCall(START, arguments))])
