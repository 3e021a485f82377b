"""A run as an engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.lab.clock import StopSignal
from harness.lab.ports import LabPhone, Progress
from harness.lab.scheduling.engine import Assignments


@dataclass(frozen=True)
class RunView:
    """What an engine knows of the run that it works for.

    Args:
        path: The run folder.
        owner: Who holds the phones.
        keep: Leave on the phones what was put there.
        stop: The user's Ctrl-C.
        progress: Who wants to know.
        assignments: What attempts need to know.
        phones: The phones that the plan counts on.
    """

    path: Path
    owner: str
    keep: bool
    stop: StopSignal
    progress: Progress
    assignments: Assignments
    phones: Sequence[LabPhone]
