"""Jobs as a run hands them out: what there is to know of each, and those that ask for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.lab.scheduling.job_queue import JobQueue
from harness.scenario.task import Task

NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Ticket:
    """A task with what there is to know of it when it is handed out."""

    task: Task
    candidates: frozenset[str] = frozenset()
    """Serials of the phones that fit; none for a task on the host."""
    group: str = ""
    """What must lie on the phone; the same group next needs no push."""
    heat: float = 0.0
    """How much it warms a phone, on any scale that is the same for all jobs."""
    retries: Mapping[str, int] = field(default_factory=dict)
    """Kind of failure -> how often to try again after it."""
    demands: str = ""
    """What it asks of a phone: jobs of the same words take the same phones, also new ones."""
    skips_shut: bool = False
    """A phone whose gates are shut is passed over (``gates: {mode: skip}``)."""

    @property
    def job_id(self) -> str:
        """The task's id, which for a phone's task is that of its job."""
        return self.task.task_id

    @property
    def index(self) -> int:
        """The task's place in the order in which tasks are offered."""
        return self.task.index


Tried = tuple[frozenset[str], frozenset[str]]
"""(phones that a job failed on, phones that were passed over for their gates)."""


class DemandClass:
    """Jobs that ask for the same phones."""

    __slots__ = ("candidates", "here", "queues")

    def __init__(self, candidates: frozenset[str], phones: Mapping[str, None]) -> None:
        self.candidates = set(candidates)
        self.here = {serial for serial in candidates if serial in phones}
        self.queues: dict[Tried, JobQueue] = {}

    def homes(self, tried: Tried) -> tuple[int, Callable[[str], bool]]:
        """Return how many phones may take such a job, and whether one may.

        Untried ones; where there are none, any that fits and was not passed over.
        """
        failed_on, passed_over = tried
        if not failed_on and not passed_over:
            return len(self.here), self.here.__contains__
        fitting = len(self.here) - sum(1 for phone in passed_over if phone in self.here)
        bad = sum(1 for phone in failed_on if phone in self.here and phone not in passed_over)
        if fitting > bad:
            return (
                fitting - bad,
                lambda phone: (
                    phone in self.here and phone not in passed_over and phone not in failed_on
                ),
            )
        return fitting, lambda phone: phone in self.here and phone not in passed_over


@dataclass(slots=True)
class QueuedJob:
    """A job that has no outcome yet, or has just got one, and where it stands."""

    ticket: Ticket
    home: DemandClass
    state: str
    pinned: str | None = None
    tries: dict[str, int] = field(default_factory=dict)
    tried: Tried = (NOBODY, NOBODY)
