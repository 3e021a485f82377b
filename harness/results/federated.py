"""What the host made of a round of federated training: the result of its task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from pydantic import ValidationError

from harness.errors import InputError
from harness.pruning.names import Pattern, Phase
from harness.results.files import StoreError
from harness.results.model import AttemptResult, Record, WrittenRecord
from harness.results.store import RunFolder
from harness.results.tasks import TaskFolder


class ClientShare(Record):
    """A client whose answer counted."""

    client: str
    job_id: str
    attempt: int
    utterances: int
    steps: int
    layers: tuple[str, ...]
    """Those that it trained."""
    weight: float = 0.0
    """The share of its word, where it holds what all hold."""
    norm: float = 0.0
    """Euclidean norm of its difference from what it was sent."""
    update_bytes: int | None = None
    """Of its answer."""
    sent_bytes: int | None = None
    """Of what it was sent, where the model travels in fewer bits."""
    written: WrittenRecord | None = None
    """What writing its answer in fewer bits did to it."""


class LeftOut(Record):
    """A client that answered in time with nothing that could be used."""

    client: str
    job_id: str
    why: str


class PruningRecord(Record):
    """What of the network the clients of a round had."""

    level: float
    """Share of units that was asked to be left out in this round."""
    phase: Phase
    pattern: Pattern
    masked: bool = False
    """They had the whole network with zeros in it."""
    units: dict[str, tuple[int, int]]
    """Layer, or matrix if masked -> units that they had, of how many; of a layer with two
    directions in each."""
    parameters: int
    """Stored numbers that they had, statistics too."""
    parameters_whole: int
    sent_bytes: int
    """Of the weights, as a file."""
    whole_bytes: int
    """Of the whole network's numbers, four a number."""
    regrown: int = 0
    """Units that they had and the clients of the round before had not."""
    peak_mb: float | None = None
    """The highest peak RSS of their trainers."""
    step_seconds: float | None = None
    """Median of their optimiser steps."""

    @property
    def parameters_share(self) -> float:
        """Share of the network's numbers that they had."""
        return self.parameters / self.parameters_whole

    @property
    def bytes_share(self) -> float:
        """Share of the bytes of the whole network's weights that they were sent."""
        return self.sent_bytes / self.whole_bytes


class ModelRecord(Record):
    """The model of a round."""

    federation: str
    round: int
    """0: the start."""
    strategy: str
    sha256: str | None = None
    """Of the model's file; None where Flower made it, which tells only the next turn."""
    size_bytes: int | None = None
    asked: tuple[str, ...] = ()
    answers: tuple[ClientShare, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    counted: tuple[str, ...] = ()
    """The jobs whose answers came in time; said by Flower's turns."""
    untrained: int = 0
    """Variables that no client trained."""
    epsilon: float | None = None
    """Of all rounds so far; None: no privacy was asked for."""
    delta: float | None = None
    privacy_cost: float | None = None
    """Of this round alone, for strategies of Flower: rho = 1 / 2 z², z the noise by the most that
    one client moves the mean."""
    privacy_note: str = ""
    """What epsilon assumes, or why there is none."""
    pruning: PruningRecord | None = None
    """What of the network its clients had, in Federated Pruning."""


def models_of(run: Path) -> list[ModelRecord]:
    """Return the models that a run has made, by federation and round.

    Raises:
        StoreError: A result is damaged.
    """
    return sorted(_models(run), key=lambda model: (model.federation, model.round))


def _models(run: Path) -> Iterator[ModelRecord]:
    for path in sorted((run / "tasks").glob("model-*/result.json")):
        result = TaskFolder(run, path.parent.name).result()
        try:
            yield ModelRecord.model_validate(result.value)
        except ValidationError as error:
            raise StoreError(f"{path}: not the model of a round: {error}") from error


def mean_rates(results: Iterable[AttemptResult], federation: str) -> tuple[tuple[int, float], ...]:
    """Return the mean WER of each round's model, %, over the clients that evaluated it.

    Args:
        results: Of a run.
        federation: Whose rounds.
    """
    rates: dict[int, list[float]] = {}
    for result in results:
        client, rate = result.client, result.wer_before_percent
        if client is None or client.role == "train" or rate is None:
            continue
        if client.federation == federation:
            rates.setdefault(client.round, []).append(rate)
    return tuple((round_, mean(rates[round_])) for round_ in sorted(rates))


@dataclass(frozen=True)
class LastModel:
    """What a federated training came to."""

    federation: str
    strategy: str
    round: int
    path: Path
    sha256: str


def last_models(run: Path, models: Iterable[ModelRecord] | None = None) -> list[LastModel]:
    """Return the last model of each federated training of a run, by federation.

    What Flower made is the model that its strategy returned; a ServerApp returns none, so that it
    is the one which clients evaluated last. A training that came to no model is not among them.

    Args:
        run: Its folder.
        models: What `models_of` says of it, if that was read already.

    Raises:
        StoreError: A result is damaged.
    """
    last: dict[str, ModelRecord] = {}
    for model in models_of(run) if models is None else models:
        if model.round > 0:
            last[model.federation] = model
    made = []
    for name, model in sorted(last.items()):
        task = _last_task(run, model)
        if task is None or not task.checkpoint_path.is_file():
            continue
        value = task.result().value
        sha256 = value.get("sha256") if isinstance(value, dict) else None
        if not isinstance(sha256, str):
            raise StoreError(f"{task.result_path}: it does not say the model's SHA-256")
        made.append(LastModel(name, model.strategy, model.round, task.checkpoint_path, sha256))
    return made


def _last_task(run: Path, model: ModelRecord) -> TaskFolder | None:
    if model.sha256 is not None:
        return TaskFolder(run, f"model-{model.federation}-{model.round:03d}")
    final = TaskFolder(run, f"final-{model.federation}")
    if final.checkpoint_path.is_file():
        return final
    heard = sorted((run / "tasks").glob(f"heard-{model.federation}-turn-*/result.json"))
    if not heard:
        return None
    return TaskFolder(run, f"sent-{model.federation}-{heard[-1].parent.name[-4:]}-0")


def last_model(run: Path, where: str) -> Path:
    """Return the file of the last model of the one federated training of a run.

    Args:
        run: Its folder.
        where: Who asks, for messages.

    Raises:
        InputError: It is no federated run, has not ended, or holds several trainings.
    """
    if RunFolder.open(run).record().finished_utc is None:
        raise InputError(
            "the run has not ended: its last model is yet to come",
            where=f"{where}: {run}",
            hint=f"Finish it with 'harness resume {run}', or name one model's file: "
            f"{run}/tasks/model-.../checkpoint.npz.",
        )
    made = last_models(run)
    if not made:
        raise InputError(
            "no federated training of this run came to a model",
            where=f"{where}: {run}",
            hint="Of a personalisation, name one attempt's file: "
            f"{run}/attempts/JOB/1/checkpoint.npz.",
        )
    if len(made) > 1:
        files = ", ".join(f"{model.path} ({model.strategy})" for model in made)
        raise InputError(
            f"this run holds {len(made)} federated trainings",
            where=f"{where}: {run}",
            hint=f"Name the file of one: {files}.",
        )
    return made[0].path
