"""The federations of a run: who takes part in each, and who is asked in a round."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.scenario.client_jobs import federated_of, model_task
from harness.scenario.federated import Federated
from harness.scenario.spec import JobSpec
from harness.scenario.task import Task


@dataclass(frozen=True)
class Federation:
    """One federated training.

    Args:
        name: Of those of a run.
        starts: Client -> the job in which it evaluated the start, by name.
    """

    name: str
    starts: dict[str, JobSpec]

    @property
    def settings(self) -> Federated:
        """What the scenario says of it."""
        return federated_of(next(iter(self.starts.values())).content)

    def model(self, round_: int) -> str:
        """Return the id of the task that makes the model of a round."""
        return model_task(self.name, round_)


def federations_of(tasks: Iterable[Task]) -> list[Federation]:
    """Return the federations of a run, in the order of their first tasks."""
    starts: dict[str, dict[str, JobSpec]] = {}
    for task in tasks:
        if task.kind != "phone" or task.job.client is None or task.job.client.role != "start":
            continue
        starts.setdefault(task.job.client.federation, {})[task.job.client.client] = task.job
    return [Federation(name, dict(sorted(jobs.items()))) for name, jobs in starts.items()]


def drawn(names: Sequence[str], count: int, seed: int, round_: int) -> list[str]:
    """Return who is asked in a round, by name: the same for the same seed and round.

    Args:
        names: Who can be asked.
        count: How many are wanted; fewer if there are not so many.
        seed: Of the training.
        round_: From 1.
    """
    lots = random.Random(f"{seed}:{round_}")
    return sorted(lots.sample(sorted(names), min(count, len(names))))
