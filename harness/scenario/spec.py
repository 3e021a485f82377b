"""A job as the scenario means it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from harness.scenario.base import Section
from harness.scenario.demands import Demands
from harness.scenario.identity import sha256_of
from harness.scenario.schema import JobContent


class ClientTask(Section):
    """What a job is to a federated training (`harness.scenario.client_jobs`)."""

    federation: str
    """Which, of those of a run."""
    client: str
    role: Literal["start", "train", "evaluate"]
    round: int
    """Of the federated training; 0 is before the first."""
    turn: int = 0
    """What Flower's server sent in one breath, by number; 0 where it does not decide."""
    proximal: float = 0.0
    """FedProx's mu."""


class JobSpec(Section):
    """One job: everything an attempt needs to know of the scenario.

    What it waits for, and where it runs, says its `harness.scenario.task.Task`.
    """

    job_id: str
    """Readable label plus the first ten digits of the identity; a safe file name."""
    identity: str
    index: int
    """Place in the order in which jobs are offered to phones."""
    content: JobContent
    axes: dict[str, Any] = Field(default_factory=dict)
    repeat: int = 1
    round: int = 1
    rounds: int = 1
    avoid: tuple[Demands, ...] = ()
    """A phone that meets one of them does not get the job."""
    client: ClientTask | None = None
    """Whose part in which round of a federated training this is."""

    @model_serializer(mode="wrap")
    def _without_what_it_is_not(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``client`` out of other jobs: ledgers hold them as they always did."""
        written: dict[str, Any] = write(self)
        if self.client is None:
            written.pop("client", None)
        return written

    @property
    def training_seed(self) -> int:
        """Seed of this repeat."""
        return self.content.trainer.seed + self.repeat - 1

    def on_phone(self, serial: str) -> JobSpec:
        """Return this job for one phone only: the phone is an axis and part of its identity."""
        mark = sha256_of(serial)[:6]
        phones = self.content.phones.on_phone(serial)
        return self.model_copy(
            update={
                "job_id": f"{self.job_id}-{mark}",
                "identity": sha256_of([self.identity, serial]),
                "content": self.content.model_copy(update={"phones": phones}),
                "axes": {**self.axes, "phones.serial": serial},
            }
        )
