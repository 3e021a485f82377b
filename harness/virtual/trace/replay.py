"""A learner that replays a cost model: the training protocol at the times of the table.

Nothing is computed: the loss and the word error rate are the table's, and what was "heard" is the
reference with as many words replaced as that rate asks for. The choice of the sub-model, the stop
rules and the order of events are the reference trainer's, from the phone's own figures.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.contract.events import Step
from harness.contract.job import Job, Utterance
from harness.contract.share import Share
from harness.errors import InputError
from harness.trainer.checkpoints import Saved, checkpoint_path, prune
from harness.trainer.events import EventLog
from harness.trainer.learner import Identity, Start, StepTaken, StopCommand
from harness.trainer.listening import Left
from harness.trainer.npz import checkpoint_shapes
from harness.trainer.share import UPDATE, write_update
from harness.trainer.streamed import Streamed
from harness.virtual.trace.table import Table

TRAINER_NAME = "trace"
_WRONG_WORD = "trace"
"""What stands for a word that wasn't understood; no corpus of ours has it in every sentence."""


@dataclass(frozen=True)
class TracePhone:
    """What a replay asks of its phone.

    Args:
        pid: The placeholder's pid on the phone.
        serial: Makes the times of two phones differ.
        available_mb: Gives MemAvailable.
        battery_percent: Gives the battery's level.
        host_path: Gives the host's file of a path in the job.
        sleep: Waits.
    """

    pid: int
    serial: str
    available_mb: Callable[[], float]
    battery_percent: Callable[[], float]
    host_path: Callable[[str], Path]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class TraceLog(EventLog):
    """An event log whose disk does not hold up the other phones of the event loop."""

    async def say(self, event_type: type[Any], /, **fields: Any) -> Any:
        """Append one event; what isn't a step is flushed to the disk, in a thread."""
        if event_type is Step:
            return self.write(event_type, **fields)
        return await asyncio.to_thread(self.write, event_type, **fields)


class TraceLearner:
    """A ``harness.trainer.learner.Learner`` that lets time pass.

    Args:
        job: What to do.
        table: What it costs and brings.
        phone: Where it is done.
        speed: How many times as fast as measured.
    """

    def __init__(self, job: Job, table: Table, phone: TracePhone, speed: float = 1.0) -> None:
        self._job = job
        self._table = table
        self._phone = phone
        self._speed = speed
        self._stop_file = phone.host_path(job.outputs.stop_file)
        self._cost = table.cost(None, ())
        self._random = random.Random(f"{phone.serial} {job.job_id} {job.attempt}")
        self._loaded = False
        self._spent_s = 0.0

    def identity(self) -> Identity:
        """Return what replays, of which table."""
        faster = f", {self._speed:g} times as fast" if self._speed != 1 else ""
        runtime = f"trace of {self._table.name}{faster}: nothing is trained"
        return Identity(TRAINER_NAME, __version__, runtime, self._phone.pid)

    async def load(self, sub_model: str | None, start: Start | None) -> None:  # noqa: ARG002
        """Let the time pass that loading takes.

        Raises:
            InputError: The job wants smaller checkpoints, and here they hold no weights.
        """
        if self._job.stored is not None:
            raise InputError(
                "a replayed trainer has no weights to write smaller",
                where=self._table.name,
                hint="Take real trainers: leave --trainer trace out, or leave stored out.",
            )
        self._loaded = True
        self._cost = self._table.cost(sub_model, tuple(self._job.selection.need_mb))
        await self._spend(self._table.load_s)

    async def features(self) -> None:
        """Let the time pass that features take."""
        count = len(self._job.data.train) + len(self._job.data.validation)
        await self._spend(self._table.preprocess_utterance_s * count)

    async def train(self, epoch: int) -> AsyncGenerator[StepTaken, None]:
        """Let the time of each step pass, spread as the measured ones."""
        size, left = self._job.training.batch_size, len(self._job.data.train)
        loss = _at(self._cost.train_loss, epoch - 1)
        while left:
            rows = min(size, left)
            left -= rows
            factor = max(0.2, self._random.gauss(1.0, self._cost.spread))
            seconds = self._cost.train_utterance_s * rows * factor
            await self._spend(seconds)
            yield StepTaken(loss, seconds / self._speed, rows)

    async def evaluate(self, epoch: int) -> list[str]:
        """Return what is heard at the word error rate of an epoch."""
        utterances = self._job.data.validation
        await self._spend(self._table.evaluate_utterance_s * len(utterances))
        return misheard(utterances, _at(self._cost.wer_percent, epoch))

    async def evaluate_exits(self, epoch: int) -> list[Left]:  # noqa: ARG002
        """Refuse: a table of whole evaluations does not tell what an exit costs and hears.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "a replayed trainer has no exits",
            where=self._table.name,
            hint="Take real trainers: leave --trainer trace out, or leave exits out of the job.",
        )

    async def evaluate_streaming(self, epoch: int) -> list[Streamed]:  # noqa: ARG002
        """Refuse: a table of whole evaluations does not tell what a segment costs.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "a replayed trainer hears whole recordings",
            where=self._table.name,
            hint="Take real trainers: leave --trainer trace out, or streaming out of the job.",
        )

    async def listen(self, utterances: Sequence[Utterance]) -> list[str]:
        """Return what is heard at the rate before training: the table knows no other speaker."""
        each_s = self._table.preprocess_utterance_s + self._table.evaluate_utterance_s
        await self._spend(each_s * len(utterances))
        return misheard(utterances, _at(self._cost.wer_percent, 0))

    async def restore(self, epoch: int) -> None:  # noqa: ARG002
        """Let the time pass that loading takes."""
        await self._spend(self._table.load_s)

    async def save(self, epoch: int) -> Saved:
        """Write a file where the weights would be; it says that it holds none."""
        data = f"trace of {self._table.name}: no weights, epoch {epoch}\n".encode()
        path = self._phone.host_path(self.checkpoint(epoch))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Saved(path, hashlib.sha256(data).hexdigest(), len(data))

    def checkpoint(self, epoch: int) -> str:
        """Return where the checkpoint of an epoch lies on the phone."""
        return str(checkpoint_path(Path(self._job.outputs.checkpoints), epoch))

    def trained_layers(self) -> Sequence[str]:
        """Return none: nothing is trained."""
        return ()

    async def share(self, kept: int, share: Share) -> Saved:  # noqa: ARG002 - nothing was trained
        """Give back what the job began with, or zeros: a model of the right shapes.

        Raises:
            InputError: The job has no checkpoint to begin with.
        """
        start = self._job.model.checkpoint
        if start is None:
            raise InputError("a trace shares what it began with, and there is none", where="model")
        begun = self._phone.host_path(start)
        path = self._phone.host_path(str(Path(self._job.outputs.checkpoints) / UPDATE))
        names = await asyncio.to_thread(checkpoint_shapes, begun)
        return await asyncio.to_thread(write_update, path, begun, begun, names, share)

    def keep_only(self, epochs: set[int]) -> None:
        """Delete the checkpoints of all other epochs."""
        prune(self._phone.host_path(self._job.outputs.checkpoints), epochs)

    def clock(self) -> float:
        """Return the seconds that were let pass."""
        return self._spent_s / self._speed

    def available_mb(self) -> float | None:
        """Return the phone's MemAvailable in MiB."""
        return self._phone.available_mb()

    def battery_percent(self) -> float | None:
        """Return the phone's level of charge."""
        return self._phone.battery_percent()

    def rss_mb(self) -> float | None:
        """Return what a trainer holds before it has loaded a model; later it is not known."""
        return None if self._loaded else self._table.base_mb

    def peak_rss_mb(self) -> float | None:
        """Return the table's peak."""
        return self._cost.peak_rss_mb

    async def _spend(self, seconds: float) -> None:
        """Let the time pass that the table says, at the replay's speed.

        Raises:
            StopCommand: The host asked for an end.
        """
        if self._stop_file.exists():
            raise StopCommand
        await self._phone.sleep(seconds / self._speed)
        self._spent_s += seconds
        if self._stop_file.exists():
            raise StopCommand


def _at(values: Sequence[float], index: int) -> float:
    """Return one value of a curve; beyond its end the last."""
    return values[min(index, len(values) - 1)]


def misheard(utterances: Sequence[Utterance], percent: float) -> list[str]:
    """Return what is heard at a word error rate: every so-many-th word of all is another.

    The rate is met as near as the number of words allows; above 100 % it is 100 %.

    Args:
        utterances: What was said.
        percent: Word error rate.
    """
    share = min(100.0, percent) / 100.0
    position = _positions()
    heard = []
    for utterance in utterances:
        words = []
        for word in utterance.text.split():
            n = next(position)
            wrong = int((n + 1) * share + 0.5) > int(n * share + 0.5)
            replacement = _WRONG_WORD if word != _WRONG_WORD else f"{_WRONG_WORD}d"
            words.append(replacement if wrong else word)
        heard.append(" ".join(words))
    return heard


def _positions() -> Iterator[int]:
    n = 0
    while True:
        yield n
        n += 1
