"""What the host made of a round of federated training: the result of its task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from harness.results.files import StoreError
from harness.results.model import Record
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


class LeftOut(Record):
    """A client that answered in time with nothing that could be used."""

    client: str
    job_id: str
    why: str


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
