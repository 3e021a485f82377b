"""What the training protocol (``harness.trainer.loop``) asks of whatever trains.

The reference trainer's learner is the flatbuffer itself (``flatbuffer_learner``); that of a replay
lets time pass as a cost model says (``harness.virtual.trace``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from harness.contract.job import Utterance
from harness.contract.share import Share
from harness.trainer.checkpoints import Saved
from harness.trainer.listening import Left
from harness.trainer.streamed import Streamed

T = TypeVar("T")


class StopCommand(Exception):  # noqa: N818 - an order, not an error
    """The host asked for an end."""


@dataclass(frozen=True)
class Identity:
    """Who trains, and on what."""

    trainer: str
    trainer_version: str
    runtime: str
    pid: int


@dataclass(frozen=True)
class Start:
    """The checkpoint to begin with."""

    path: str
    """On the phone."""
    sha256: str | None


@dataclass(frozen=True)
class StepTaken:
    """One optimiser step."""

    loss: float
    """Mean of the batch, before the step."""
    seconds: float
    utterances: int
    changed_codes: float | None = None
    """Share of the codes of weights that it changed; None: they are not in few bits."""


class Learner(Protocol):
    """A network that learns from a job's utterances, and the phone that it does so on.

    Whatever takes long raises `StopCommand` at the next step once the host asked for an end.
    """

    def identity(self) -> Identity:
        """Return who trains; the runtime is in memory afterwards, the model is not."""

    async def load(self, sub_model: str | None, start: Start | None) -> None:
        """Load the job's model and the weights to begin with.

        Args:
            sub_model: What will be trained; None = it is only evaluated.
            start: Weights to begin with; None = the file's own.

        Raises:
            InputError: A file cannot be used, or has no such sub-model.
        """

    async def features(self) -> None:
        """Compute the features of all utterances, of an evaluation those of validation."""

    def train(self, epoch: int) -> AsyncGenerator[StepTaken, None]:
        """Take the steps of an epoch (from 1), one after the other."""

    async def evaluate(self, epoch: int) -> list[str]:
        """Return what is heard in each validation utterance after an epoch (0 = before any)."""

    async def evaluate_exits(self, epoch: int) -> list[Left]:
        """Return where each validation utterance leaves by the job's rule, and what is heard there.

        Raises:
            InputError: It has no exits.
        """

    async def evaluate_streaming(self, epoch: int) -> list[Streamed]:
        """Return what is heard in each validation utterance while it goes on, and what that costs.

        Raises:
            InputError: It can hear whole ones only.
        """

    async def listen(self, utterances: Sequence[Utterance]) -> list[str]:
        """Return what is heard in utterances whose features are not kept.

        In a job with a rule for exits, where each of them leaves.
        """

    async def restore(self, epoch: int) -> None:
        """Take up the weights of an epoch again whose checkpoint is there; nothing trains after it.

        Raises:
            InputError: The checkpoint cannot be used.
        """

    async def save(self, epoch: int) -> Saved:
        """Write the checkpoint of an epoch, whole or not at all."""

    def checkpoint(self, epoch: int) -> str:
        """Return where the checkpoint of an epoch lies on the phone."""

    def trained_layers(self) -> Sequence[str]:
        """Return the layers that the sub-model trains."""

    async def share(self, kept: int, share: Share) -> Saved:
        """Write what a job shares of the checkpoint of an epoch: its trained layers alone.

        Raises:
            InputError: It cannot be made from what the job began with.
        """

    def keep_only(self, epochs: set[int]) -> None:
        """Delete the checkpoints of all other epochs."""

    def clock(self) -> float:
        """Return seconds since any moment."""

    def available_mb(self) -> float | None:
        """Return MemAvailable (MiB), None if the phone does not tell."""

    def battery_percent(self) -> float | None:
        """Return the battery's level, None if the phone does not tell."""

    def rss_mb(self) -> float | None:
        """Return the trainer's resident memory (MiB), None if it is not known."""

    def peak_rss_mb(self) -> float | None:
        """Return the highest that it was (MiB)."""


class Log(Protocol):
    """Where events go; ``harness.trainer.events.EventLog`` is one."""

    before: list[Any]
    """What an earlier process of the same job wrote."""

    async def say(self, event_type: type[Any], /, **fields: Any) -> Any:
        """Append one event and return it."""


def run_now(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose learner never waits, without an event loop, and return its result.

    Raises:
        RuntimeError: It waits for something.
    """
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("a learner that waits needs an event loop")
