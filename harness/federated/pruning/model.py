"""The model of a pruned round: the small model of the answers, put back into the whole."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.contract.events import Step
from harness.federated.aggregate import MOMENTS, Made
from harness.federated.arrived import Answer
from harness.federated.pruning.choice import MOMENTUM
from harness.federated.pruning.part import Part, part_of
from harness.federated.pruning.source import Source
from harness.lab.scheduling.host_tasks import HostContext, Parent, host_task
from harness.pruning.scores import moved
from harness.results.federated import PruningRecord
from harness.results.store import AttemptFolder
from harness.results.tasks import CHECKPOINT, TaskFolder
from harness.scenario.pruning import Pruning
from harness.trainer.checkpoints import file_sha256, weights_writer
from harness.trainer.npz import opened_weights

DEPLOY: Final = "federated-deploy"
Aggregate = Callable[[Path, Sequence[Answer], Path | None, Path, Path], Made]
"""(what clients were sent, answers, moments or None, the new model's file, that of its moments) ->
the model."""


def part_made(run: Path, chosen: str, pruning: Pruning, source: Source) -> Part:
    """Return what the clients of a round had.

    Args:
        run: The run's folder.
        chosen: The task that chose it.
        pruning: Settings.
        source: Of the network.
    """
    folder = TaskFolder(run, chosen).path
    is_matrix = pruning.masked and pruning.pattern != "cell"
    return part_of(folder, () if is_matrix else source.config().unit_groups())


def pruned_model(
    context: HostContext,
    arguments: Mapping[str, Any],
    pruning: Pruning,
    before: Path,
    answers: Sequence[Answer],
    aggregate: Aggregate,
) -> tuple[Made, PruningRecord]:
    """Make the model of a pruned round; see `whole_model`.

    Args:
        context: Of the round's task.
        arguments: Of it; ``pruned`` says what the clients had.
        pruning: Settings.
        before: Folder of the whole model before.
        answers: What they sent back.
        aggregate: Makes one small model of the answers.
    """
    run, chosen = context.run.path, arguments["pruned"]["chosen"]
    source = Source.of_json(arguments["pruned"]["source"])
    part = part_made(run, chosen, pruning, source)
    folder = TaskFolder(run, chosen).path
    made = whole_model(before, folder, answers, part, pruning, context.out, aggregate)
    return made, record_of(run, chosen, context.parents)


def whole_model(
    before: Path,
    chosen: Path,
    answers: Sequence[Answer],
    part: Part,
    pruning: Pruning,
    out: Path,
    aggregate: Aggregate,
) -> Made:
    """Make the whole model of answers to a part of it.

    What was left out stays as it was (refinement), or becomes zero. So it is with what the server's
    optimiser remembers, and with the momentum that units are ranked by.

    Args:
        before: Folder of the whole model before.
        chosen: Folder of what the clients were sent.
        answers: What they sent back.
        part: What of the whole that is.
        pruning: Settings.
        out: Where the model and what is remembered is written.
        aggregate: Makes one small model of the answers.
    """
    with tempfile.TemporaryDirectory(prefix="part-", dir=out) as name:
        folder = Path(name)
        moments = None
        if (before / MOMENTS).is_file():
            moments = _gathered(before / MOMENTS, folder / "moments-before.npz", part)
        small = aggregate(
            chosen / CHECKPOINT, answers, moments, folder / CHECKPOINT, folder / MOMENTS
        )
        with ExitStack() as stack:
            old = stack.enter_context(opened_weights(before / CHECKPOINT))
            new = stack.enter_context(opened_weights(folder / CHECKPOINT))
            writer = stack.enter_context(weights_writer(out / CHECKPOINT))
            for variable in old.shapes:
                whole = old.read(variable)
                into = whole if pruning.refinement else np.zeros_like(whole)
                value = part.scatter(variable, new.read(variable), into)
                writer.write(variable, np.asarray(value, np.float32))
        if (folder / MOMENTS).is_file():
            _scattered_moments(before, folder / MOMENTS, out, part)
        if pruning.score != "weight":
            _remember(before, chosen, folder / CHECKPOINT, out, part)
    return replace(small, model=writer.saved())


def _gathered(path: Path, into: Path, part: Part) -> Path:
    with opened_weights(path) as stored, weights_writer(into) as writer:
        for key in stored.shapes:
            value = part.gather(_variable(key), stored.read_as(key, np.float64))
            writer.write(key, np.ascontiguousarray(value))
    return into


def _scattered_moments(before: Path, small: Path, out: Path, part: Part) -> None:
    with ExitStack() as stack:
        new = stack.enter_context(opened_weights(small))
        old = None
        if (before / MOMENTS).is_file():
            old = stack.enter_context(opened_weights(before / MOMENTS))
        whole = stack.enter_context(opened_weights(before / CHECKPOINT))
        writer = stack.enter_context(weights_writer(out / MOMENTS))
        for key in new.shapes:
            value = new.read_as(key, np.float64)
            into = np.zeros(whole.shapes[_variable(key)])
            if old is not None:
                into = old.read_as(key, np.float64)
            writer.write(key, part.scatter(_variable(key), value, into))


def _variable(key: str) -> str:
    """Return whose moment it is: ``m.conv1_kernel``."""
    return key.split(".", 1)[1]


def _remember(before: Path, chosen: Path, small: Path, out: Path, part: Part) -> None:
    """Write the momentum of what the rounds changed; of what was left out it stays."""
    with ExitStack() as stack:
        sent = stack.enter_context(opened_weights(chosen / CHECKPOINT))
        came = stack.enter_context(opened_weights(small))
        whole = stack.enter_context(opened_weights(before / CHECKPOINT))
        old = None
        if (before / MOMENTUM).is_file():
            old = stack.enter_context(opened_weights(before / MOMENTUM))
        writer = stack.enter_context(weights_writer(out / MOMENTUM))
        for name, shape in whole.shapes.items():
            into = np.zeros(shape)
            if old is not None:
                into = old.read_as(name, np.float64)
            change = came.read(name).astype(np.float64) - sent.read(name)
            value = part.scatter(name, moved(part.gather(name, into), change), into)
            writer.write(name, value)


def record_of(run: Path, chosen: str, parents: Sequence[Parent]) -> PruningRecord:
    """Return what the clients of a round had, with what it cost them.

    Args:
        run: The run's folder.
        chosen: The task that chose it.
        parents: Their jobs.
    """
    record = PruningRecord.model_validate(TaskFolder(run, chosen).result().value)
    peaks, seconds = [], []
    for parent in parents:
        folder = AttemptFolder(parent.folder, parent.task_id, parent.attempt)
        peak = folder.result().peak_rss_mb
        peaks += [] if peak is None else [peak]
        seconds += [event.seconds for event in folder.events() if isinstance(event, Step)]
    return record.model_copy(
        update={
            "peak_mb": max(peaks, default=None),
            "step_seconds": statistics.median(seconds) if seconds else None,
        }
    )


def deploy_arguments(pruning: Pruning, source: Source, model: str, chosen: str) -> dict[str, Any]:
    """Return what `deploy` is given.

    Args:
        pruning: Settings.
        source: Of the network.
        model: The task whose model it is.
        chosen: The task that chose what its clients had.
    """
    return {
        "pruning": pruning.model_dump(mode="json"),
        "source": source.as_json(),
        "model": model,
        "chosen": chosen,
    }


@host_task(DEPLOY)
def deploy(context: HostContext, arguments: Mapping[str, Any]) -> Any:
    """Leave the model of a round as phones would have it: without what was left out in it.

    Raises:
        InputError: A file of the run is damaged.
    """
    pruning = Pruning.model_validate(arguments["pruning"])
    source = Source.of_json(arguments["source"])
    part = part_made(context.run.path, arguments["chosen"], pruning, source)
    model = TaskFolder(context.run.path, arguments["model"]).checkpoint_path
    target = context.out / CHECKPOINT
    with (
        opened_weights(model) as whole,
        weights_writer(target, deflate=pruning.masked) as writer,
    ):
        for name in whole.shapes:
            value = part.gather(name, whole.read(name))
            writer.write(name, np.ascontiguousarray(value, np.float32))
    return {"sha256": file_sha256(target), "size_bytes": target.stat().st_size}
