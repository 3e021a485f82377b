"""What one job needs of its phone and of this host, each found out once, before planning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from harness.adb.transfer import LocalFile
from harness.contract.network import Network, NetworkError
from harness.contract.streaming import check_signatures, check_streaming
from harness.devices.gates import Gates, parse_gates
from harness.errors import InputError
from harness.lab.planning.models import LoadedModel, Models
from harness.lab.planning.room import check_goal
from harness.lab.planning.settle import settled
from harness.pressure import Goal, resolve_goal
from harness.scenario.demands import Demands
from harness.scenario.exits import check_exits
from harness.scenario.schema import AUTO, Data, JobContent
from harness.scenario.spec import JobSpec
from harness.scenario.sub_models import candidates_of, check_names
from harness.scenario.task import Task
from harness.trainer.flatfile import check_sub_models, signatures_of
from harness.trainer.needs import Needs, needs_of


@dataclass(frozen=True)
class JobNeeds:
    """A job with what it needs.

    Args:
        task: The job as a node of the run's graph.
        gates: What its phone must be like when an attempt begins.
        model: The model it trains.
        flatbuffer: The model's file for the job's batch size.
        start: Weights to start from; None for the flatbuffer's own.
        sub_models: What its phone chooses from, the largest first; one alone if that is forced.
        memory: What training each sub-model adds (MiB), by the job's memory model.
        goal: The RAM pressure that it asks for.
    """

    task: Task
    gates: Gates
    model: LoadedModel
    flatbuffer: LocalFile
    start: LocalFile | None
    sub_models: tuple[str, ...]
    memory: Needs = field(default_factory=Needs)
    goal: Goal | None = None

    @property
    def spec(self) -> JobSpec:
        """The job."""
        return self.task.job

    @property
    def demands(self) -> Demands:
        """What its phone must be."""
        return self.spec.content.phones

    @property
    def speech(self) -> tuple[Data, int, int]:
        """Whose recordings: as the scenario says it, of how many rounds, in which round."""
        return self.spec.content.data, self.spec.rounds, self.spec.round


def job_needs(task: Task, models: Models, gates_at: str = "gates") -> JobNeeds:
    """Find out what a job needs; recordings are not looked at.

    Args:
        task: The job.
        models: Where models are found.
        gates_at: Where its gates stand, for messages.

    Raises:
        InputError: The model or a file of it is not there, or it lacks what the job asks for.
    """
    content = task.job.content
    model = models.model(content.model)
    flatbuffer = model.file(content.trainer.batch_size)
    check_names(content, model.manifest.network)
    if content.trainer.exits is not None:
        check_exits(content.trainer.exits, model.info(content.trainer.batch_size).network)
    if content.trainer.streaming is not None:
        _check_streaming(
            model.manifest.network, flatbuffer.path, exits=content.trainer.exits is not None
        )
    candidates = candidates_of(content.trainer, model.manifest.network)
    forced = content.trainer.sub_model
    sub_models = candidates if forced == AUTO else (forced,)
    _check_file(flatbuffer, sub_models)
    memory = needs_of(model.manifest, content.trainer.batch_size, content.trainer.memory_model)
    if content.trainer.mode == "evaluate":  # nothing is trained: needs may be missing
        sub_models = tuple(name for name in sub_models if name in memory.mb) or sub_models
    _check_memory(sub_models, content.trainer.batch_size, model, memory)
    content = settled(
        content, model.manifest, _known(memory, candidates) or _known(memory, sub_models)
    )
    goal = _goal(content, candidates, memory, model.manifest.trainer_base_mb)
    if goal is not None:
        check_goal(goal, content.trainer, model.manifest.trainer_base_mb)
    return JobNeeds(
        task=replace(task, work=task.job.model_copy(update={"content": content})),
        gates=_gates(content, gates_at),
        model=model,
        flatbuffer=flatbuffer,
        start=models.start(content.model, model),
        sub_models=sub_models,
        memory=memory,
        goal=goal,
    )


def _known(memory: Needs, sub_models: Iterable[str]) -> list[float]:
    return [memory.mb[name] for name in sub_models if name in memory.mb]


def _gates(content: JobContent, where: str) -> Gates:
    gates = parse_gates(content.gates, where)
    if gates.screen_on is False and content.settings.stay_awake is not False:
        raise InputError(
            "screen_on: false, but settings.stay_awake keeps the screen on",
            where=where,
            hint="Add settings: {stay_awake: false}.",
        )
    return gates


@cache
def _check_streaming(network: Network, path: Path, *, exits: bool) -> None:
    if exits:
        raise InputError(
            "streaming and exits are two ways to answer",
            where="trainer.streaming",
            hint="Leave one of them out.",
        )
    try:
        check_streaming(network)
        check_signatures(signatures_of(path))
    except NetworkError as error:
        raise InputError(
            str(error),
            where="trainer.streaming",
            hint=f"The model is {path}. Leave it out, or take a transducer: model: emformer-mini.",
        ) from error


def _check_file(flatbuffer: LocalFile, sub_models: tuple[str, ...]) -> None:
    """Check that a file can train what its model's manifest says; reading it takes some ms."""
    check_sub_models(flatbuffer.path, sub_models)


def _goal(
    content: JobContent, candidates: Sequence[str], memory: Needs, base_mb: float
) -> Goal | None:
    if content.pressure is None:
        return None
    return resolve_goal(
        available_mb=content.pressure.available_mb,
        fits=content.pressure.fits,
        candidates=candidates,
        need_mb=memory.mb,
        base_mb=base_mb,
        tolerance_mb=content.pressure.tolerance_mb,
    )


def _check_memory(
    sub_models: Sequence[str], batch_size: int, model: LoadedModel, memory: Needs
) -> None:
    missing = [name for name in sub_models if name not in memory.mb]
    if missing:
        raise InputError(
            f"the manifest of {model.manifest.name} has no need_mb of {', '.join(missing)} "
            f"at batch size {batch_size}",
            where="trainer.candidates",
            hint=f"It has {', '.join(memory.mb) or 'none'} there; 'harness model memory FOLDER "
            "--calibrate' measures what the others are predicted from.",
        )
