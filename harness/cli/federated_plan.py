"""What ``harness plan`` says of federated training: rounds, tasks, bytes, memory, time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.cli import console
from harness.lab import Plan, PlannedJob
from harness.lab.planning.estimate import guessed_s
from harness.report.numbers import duration, size
from harness.scenario.client_jobs import federated_of, later_job


@dataclass(frozen=True)
class TrainingPlan:
    """One federated training, counted before it is run."""

    federation: str
    strategy: str
    clients: int
    rounds: int
    """At most, where it may end by rule; of an app, what the scenario says."""
    clients_per_round: int
    training_jobs: int
    evaluation_jobs: int
    """With those of the start; of Flower's strategies, as if all clients evaluated each round."""
    host_tasks: int
    model_bytes: int
    """Of all weights, uncompressed."""
    down_bytes: int
    """At most: each model to each phone that may train it."""
    up_bytes: int
    """At most: all weights of each client that is asked, fewer where a part is trained."""
    compression: str
    """In a few words; empty: weights travel as float32. The bytes are then as if all variables
    could be written small, as nearly all can."""
    host_mb: float
    """What making a model takes on this host, at most."""
    seconds: float
    """Rough, by the rule of thumb."""


def training_plans(plan: Plan) -> list[TrainingPlan]:
    """Return what the federated trainings of a plan come to."""
    jobs: dict[str, list[PlannedJob]] = {}
    for job in plan.jobs:
        if job.spec.client is not None:
            jobs.setdefault(job.spec.client.federation, []).append(job)
    return [_counted(name, own) for name, own in jobs.items()]


def _counted(name: str, starts: Sequence[PlannedJob]) -> TrainingPlan:
    first = starts[0]
    settings = federated_of(first.spec.content)
    clients, rounds = len(starts), settings.rounds
    asked = settings.asked(clients)
    evaluated = -(-rounds // (1 if settings.strategy.is_flower else settings.evaluate_every))
    numbers = max(first.needs.model.manifest.parameters.values())
    model = 4 * numbers
    phones = max(1, len({serial for job in starts for serial in job.candidates}))
    train = later_job(first.spec, "train", 1)
    trainer, steps = train.content.trainer, settings.steps
    if steps is not None:
        seen = steps * trainer.batch_size / (train.content.data.train or 60)
        trainer = trainer.model_copy(update={"epochs": max(1, math.ceil(seen))})
    each_s = guessed_s(train.content.model_copy(update={"trainer": trainer}), numbers / 1e6)
    at_once = min(phones, asked)
    compression = settings.compression
    down = 1.0 if compression is None else compression.ratio("down")
    up = 1.0 if compression is None else compression.ratio("up")
    packed = 0
    if compression is not None and compression.goes("down"):
        packed = rounds * asked + evaluated if compression.by_client else rounds + 1
    return TrainingPlan(
        federation=name,
        strategy=settings.strategy.label,
        clients=clients,
        rounds=rounds,
        clients_per_round=asked,
        training_jobs=asked * rounds,
        evaluation_jobs=clients * (1 + evaluated),
        host_tasks=rounds + 1 + packed,
        model_bytes=model,
        down_bytes=round(model * min(phones, clients) * (1 + down * rounds)),
        up_bytes=round(model * asked * rounds * up),
        compression="" if compression is None else compression.label,
        # a variable in 64 bits twice, and its moments; never more than the whole model so
        host_mb=4 * model / 2**20,
        seconds=rounds * each_s * -(-asked // at_once)
        + first.estimate_s * (1 + evaluated) * -(-clients // min(phones, clients)),
    )


def facts(plans: Sequence[TrainingPlan]) -> list[dict[str, Any]]:
    """Return them for JSON."""
    return [asdict(each) for each in plans]


def show(plans: Sequence[TrainingPlan]) -> None:
    """Print them."""
    for each in plans:
        console.say(
            f"\nFederated training {each.federation} ({each.strategy}): {each.clients} clients, "
            f"{each.rounds} rounds of {each.clients_per_round}.\n"
            f"  {each.training_jobs} training and {each.evaluation_jobs} evaluation jobs, "
            f"{each.host_tasks} tasks on this host.\n"
            f"  A model is {size(each.model_bytes)}; at most {size(each.down_bytes)} go down "
            f"(once a phone and round) and {size(each.up_bytes)} come up"
            f"{f' ({each.compression})' if each.compression else ''}.\n"
            f"  Making one takes at most {each.host_mb:.0f} MiB here. Roughly "
            f"{duration(each.seconds)} in all (by a rule of thumb)."
        )
