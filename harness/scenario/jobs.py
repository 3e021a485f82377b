"""From a scenario to its jobs: expansion, order, rounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.errors import InputError
from harness.scenario.demands import Demands
from harness.scenario.filters import filtered
from harness.scenario.identity import canonical_json, job_identity, job_label
from harness.scenario.load import LoadedScenario
from harness.scenario.matrix import Combination, exclusion
from harness.scenario.paths import MISSING, get_path
from harness.scenario.schema import JobContent, Scenario, Shuffled
from harness.scenario.spec import JobSpec


def expand_jobs(loaded: LoadedScenario, only: Sequence[str] = ()) -> list[JobSpec]:
    """Expand a scenario's matrix, repeats and rounds to jobs, in the order to run them.

    The rounds of one training follow each other (`harness.scenario.task.tasks_of`).

    Args:
        loaded: A scenario and where its parts were written.
        only: Filters ``dotted.path=value[,value]``; also ``repeat=``, ``round=`` and ``job=``.
            A round that is kept keeps the rounds before it.

    Raises:
        InputError: Nothing is left, a value does not fit its field, a filter names no field, or
            two combinations are the same job.
    """
    chains: list[list[JobSpec]] = []
    for combination in loaded.matrix.combinations():
        content = loaded.content(combination)
        resolved = content.model_dump(mode="json")
        verdicts = [exclusion(entry, resolved) for entry in loaded.matrix.exclude]
        if True in verdicts:
            continue
        avoid = [
            loaded.avoided(number, verdict)
            for number, verdict in enumerate(verdicts)
            if isinstance(verdict, dict)
        ]
        chains += [
            _chain(loaded.scenario, content, resolved, combination, avoid, repeat)
            for repeat in range(1, loaded.scenario.repeats + 1)
        ]
    if not chains:
        raise InputError(
            "the matrix expands to nothing: every combination is excluded",
            where=loaded.where(("matrix", "exclude")),
        )
    _refuse_twins(loaded, chains)
    chains = _ordered(loaded.scenario, chains)
    jobs = [job for chain in chains for job in chain]
    if only:
        jobs = filtered(jobs, only)
    return [job.model_copy(update={"index": index}) for index, job in enumerate(jobs)]


def _chain(
    scenario: Scenario,
    content: JobContent,
    resolved: Mapping[str, Any],
    combination: Combination,
    avoid: list[Demands],
    repeat: int,
) -> list[JobSpec]:
    chain: list[JobSpec] = []
    for number in range(1, scenario.rounds + 1):
        identity = job_identity(
            resolved,
            repeat=repeat,
            round_number=number,
            rounds=scenario.rounds,
            avoid=[demands.as_written() for demands in avoid],
        )
        label = job_label(
            combination.values, repeat=repeat, round_number=number, rounds=scenario.rounds
        )
        axes = {path: _at(content, resolved, path) for path in combination.values}
        chain.append(
            JobSpec(
                job_id=f"{label}-{identity[:10]}",
                identity=identity,
                index=0,
                content=content,
                axes={path: None if v is MISSING else v for path, v in axes.items()},
                repeat=repeat,
                round=number,
                rounds=scenario.rounds,
                avoid=tuple(avoid),
            )
        )
    return chain


def _at(content: JobContent, resolved: Mapping[str, Any], path: str) -> Any:
    """Return what a job has at a path of the matrix, what has a label in its few words."""
    labelled = {"trainer.exits": content.trainer.exits, "trainer.stored": content.trainer.stored}
    choice = labelled.get(path)
    if choice is not None:
        return choice.label
    return get_path(resolved, path)


def _refuse_twins(loaded: LoadedScenario, chains: list[list[JobSpec]]) -> None:
    seen: dict[str, JobSpec] = {}
    for chain in chains:
        job = chain[0]
        twin = seen.setdefault(job.identity, job)
        if twin is not job:
            raise InputError(
                f"two combinations are the same job: {twin.axes} and {job.axes}",
                where=loaded.where(("matrix",)),
                hint="Use `repeats` to run the same job several times.",
            )


def _ordered(scenario: Scenario, chains: list[list[JobSpec]]) -> list[list[JobSpec]]:
    order = scenario.order
    if isinstance(order, Shuffled) or order == "shuffled":
        seed = order.shuffled if isinstance(order, Shuffled) else 0
        shuffled = list(chains)
        random.Random(seed).shuffle(shuffled)
        return shuffled
    if order in ("fewest-pushes", "fewest-cool-downs"):
        return _grouped(chains, _pushed)
    return chains


def _pushed(job: JobSpec) -> tuple[str, str]:
    """Return what a phone must hold for the job: the model file first, it is the largest."""
    content = job.content
    model = [content.model.model_dump(mode="json"), content.trainer.batch_size]
    return canonical_json(model), canonical_json(content.data.model_dump(mode="json"))


def _grouped(
    chains: list[list[JobSpec]], key: Callable[[JobSpec], tuple[str, ...]]
) -> list[list[JobSpec]]:
    ranks: dict[tuple[str, ...], int] = {}
    for chain in chains:
        whole = key(chain[0])
        for depth in range(1, len(whole) + 1):
            ranks.setdefault(whole[:depth], len(ranks))

    def rank(chain: list[JobSpec]) -> tuple[int, ...]:
        whole = key(chain[0])
        return tuple(ranks[whole[:depth]] for depth in range(1, len(whole) + 1))

    return sorted(chains, key=rank)  # stable: as written within a group
