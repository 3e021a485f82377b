"""What one job needs of its phone and of this host, each found out once, before planning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from harness.adb.transfer import LocalFile
from harness.devices.gates import Gates, parse_gates
from harness.errors import InputError
from harness.lab.planning.models import LoadedModel, Models
from harness.pressure import Goal, resolve_goal
from harness.scenario.demands import Demands
from harness.scenario.schema import Data, JobContent
from harness.scenario.spec import JobSpec
from harness.trainer.needs import Needs, needs_of


@dataclass(frozen=True)
class JobNeeds:
    """A job with what it needs.

    Args:
        spec: The job.
        gates: What its phone must be like when an attempt begins.
        model: The model it trains.
        flatbuffer: The model's file for the job's batch size.
        start: Weights to start from; None for the flatbuffer's own.
        memory: What training each sub-model adds (MiB), by the job's memory model.
        goal: The RAM pressure that it asks for.
    """

    spec: JobSpec
    gates: Gates
    model: LoadedModel
    flatbuffer: LocalFile
    start: LocalFile | None
    memory: Needs = field(default_factory=Needs)
    goal: Goal | None = None

    @property
    def demands(self) -> Demands:
        """What its phone must be."""
        return self.spec.content.phones

    @property
    def speech(self) -> tuple[Data, int, int]:
        """Whose recordings: as the scenario says it, of how many rounds, in which round."""
        return self.spec.content.data, self.spec.rounds, self.spec.round

    def on_phone(self, serial: str) -> JobNeeds:
        """Return the same for the same job on one phone only."""
        return replace(self, spec=self.spec.on_phone(serial))


def job_needs(spec: JobSpec, models: Models, gates_at: str = "gates") -> JobNeeds:
    """Find out what a job needs; recordings are not looked at.

    Args:
        spec: The job.
        models: Where models are found.
        gates_at: Where its gates stand, for messages.

    Raises:
        InputError: The model or a file of it is not there, or it lacks what the job asks for.
    """
    content = spec.content
    model = models.model(content.model)
    flatbuffer = model.file(content.trainer.batch_size)
    memory = needs_of(model.manifest, content.trainer.batch_size, content.trainer.memory_model)
    _check_memory(content, model, memory)
    return JobNeeds(
        spec=spec,
        gates=_gates(content, gates_at),
        model=model,
        flatbuffer=flatbuffer,
        start=models.start(content.model, model),
        memory=memory,
        goal=_goal(content, memory, model.manifest.trainer_base_mb),
    )


def _gates(content: JobContent, where: str) -> Gates:
    gates = parse_gates(content.gates, where)
    if gates.screen_on is False and content.settings.stay_awake is not False:
        raise InputError(
            "screen_on: false, but settings.stay_awake keeps the screen on",
            where=where,
            hint="Add settings: {stay_awake: false}.",
        )
    return gates


def _goal(content: JobContent, memory: Needs, base_mb: float) -> Goal | None:
    if content.pressure is None:
        return None
    return resolve_goal(
        available_mb=content.pressure.available_mb,
        fits=content.pressure.fits,
        candidates=content.trainer.candidates,
        need_mb=memory.mb,
        base_mb=base_mb,
        tolerance_mb=content.pressure.tolerance_mb,
    )


def _check_memory(content: JobContent, model: LoadedModel, memory: Needs) -> None:
    trainer = content.trainer
    wanted = trainer.candidates if trainer.sub_model == "auto" else (trainer.sub_model,)
    missing = [name for name in wanted if name not in memory.mb]
    if missing:
        raise InputError(
            f"the manifest of {model.manifest.name} has no need_mb of {', '.join(missing)} "
            f"at batch size {trainer.batch_size}",
            where="trainer.candidates",
            hint=f"It has {', '.join(memory.mb) or 'none'} there; 'harness model memory FOLDER "
            "--calibrate' measures what the others are predicted from.",
        )
