"""One job replayed: the events of the reference trainer, at the times of the cost model.

Nothing is computed: the loss and the word error rate are the table's, and what was "heard" is the
reference with as many words replaced as that rate asks for. The choice of the sub-model, the stop
rules and the order of events are the real ones, from the phone's own figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import __version__
from harness.contract.events import (
    Checkpoint,
    Epoch,
    Finished,
    Hypothesis,
    Phase,
    PhaseChange,
    Selected,
    Started,
    Step,
    Stopped,
    StopReason,
)
from harness.contract.job import Job, SubModel, Utterance
from harness.metrics.words import wer_percent
from harness.trainer.events import EventLog
from harness.trainer.history import History
from harness.trainer.policies import resources_allow, select_sub_model
from harness.virtual.trace.table import SubModelCost, Table

TRAINER_NAME = "trace"
_WRONG_WORD = "trace"
"""What stands for a word that wasn't understood; no corpus of ours has it in every sentence."""


class StopCommand(Exception):  # noqa: N818 - an order, not an error
    """The host asked for an end."""


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


class Replay:
    """One run on a job.

    Args:
        job: What to do.
        table: What it costs and brings.
        phone: Where it is done.
        log: Where to say so.
        speed: How many times as fast as measured.
    """

    def __init__(
        self, job: Job, table: Table, phone: TracePhone, log: EventLog, speed: float = 1.0
    ) -> None:
        self._job = job
        self._table = table
        self._phone = phone
        self._log = log
        self._speed = speed
        self._history = History(log.before)
        self._stop_file = phone.host_path(job.outputs.stop_file)
        self._sub_model: SubModel | None = None
        self._cost = table.cost("S1")[1]
        self._random = random.Random(f"{phone.serial} {job.job_id} {job.attempt}")

    async def run(self) -> None:
        """Replay; ends with a ``finished`` event.

        Raises:
            StopCommand: Asked to stop before there was anything to finish with.
            OSError: A file could not be written.
        """
        if self._history.finished:
            return
        if self._history.stopped:
            await self._finish()
            return
        faster = f", {self._speed:g} times as fast" if self._speed != 1 else ""
        await self._say(
            Started,
            trainer=TRAINER_NAME,
            trainer_version=__version__,
            runtime=f"trace of {self._table.name}{faster}: nothing is trained",
            pid=self._phone.pid,
            threads=self._job.training.threads,
        )
        await self._select()
        data = self._job.data
        async with self._phase("load"):
            await self._spend(self._table.load_s)
        async with self._phase("preprocess"):
            count = len(data.train) + len(data.validation)
            await self._spend(self._table.preprocess_utterance_s * count)
        if 0 not in self._history.epochs:
            await self._evaluate(0, None, 0.0)
        try:
            reason = await self._epochs()
        except StopCommand:
            reason = "command"
        await self._say(Stopped, reason=reason, epoch=self._history.done)
        await self._finish()

    async def _select(self) -> None:
        selection = self._job.selection
        if self._history.selected is not None:
            self._sub_model = self._history.selected.sub_model
        else:
            available = self._phone.available_mb()
            self._sub_model = selection.forced or select_sub_model(
                available, selection.need_mb, selection.candidates
            )
            await self._say(
                Selected,
                sub_model=self._sub_model,
                policy=selection.policy,
                forced=selection.forced is not None,
                available_mb=round(available, 3),
                need_mb=selection.need_mb,
                rss_mb=self._table.base_mb,
            )
        if self._sub_model is not None:
            self._cost = self._table.cost(self._sub_model)[1]

    async def _epochs(self) -> StopReason:
        if self._sub_model is None:
            return "no_sub_model_fits"
        stop = self._job.stop
        patience = self._history.patience(stop)
        for epoch in range(self._history.done + 1, self._job.training.epochs + 1):
            if patience.stop:
                return "patience"
            why = resources_allow(
                self._phone.battery_percent(),
                self._phone.available_mb(),
                battery_below_percent=stop.battery_below_percent,
                available_below_mb=stop.available_below_mb,
            )
            if why is not None:
                return why
            async with self._phase("train", epoch):
                seconds, loss = await self._train(epoch, self._cost)
            await self._evaluate(epoch, loss, seconds)
            async with self._phase("save", epoch):
                await self._save(epoch)
            patience = patience.after(self._history.epochs[epoch].wer_percent)
        return "patience" if patience.stop else "epochs_done"

    async def _train(self, epoch: int, cost: SubModelCost) -> tuple[float, float]:
        """Take an epoch's steps; return its seconds and its loss."""
        size, left = self._job.training.batch_size, len(self._job.data.train)
        loss, total, step = _at(cost.train_loss, epoch - 1), 0.0, 0
        while left:
            rows = min(size, left)
            left -= rows
            factor = max(0.2, self._random.gauss(1.0, cost.spread))
            seconds = cost.train_utterance_s * rows * factor / self._speed
            await self._spend(seconds * self._speed)
            total += seconds
            await self._say(
                Step, epoch=epoch, step=step, loss=loss, seconds=round(seconds, 4), utterances=rows
            )
            step += 1
        return total, loss

    async def _evaluate(self, epoch: int, loss: float | None, train_seconds: float) -> None:
        utterances = self._job.data.validation
        seconds = self._table.evaluate_utterance_s * len(utterances)
        async with self._phase("evaluate", epoch):
            await self._spend(seconds)
        heard = misheard(utterances, _at(self._cost.wer_percent, epoch))
        wer = wer_percent((one.text, text) for one, text in zip(utterances, heard, strict=True))
        self._history.epochs[epoch] = await self._say(
            Epoch,
            epoch=epoch,
            wer_percent=wer,
            train_loss=loss,
            train_seconds=round(train_seconds, 4),
            evaluate_seconds=round(seconds / self._speed, 4),
            battery_percent=self._phone.battery_percent(),
            available_mb=self._phone.available_mb(),
            best=self._history.is_best(wer),
            hypotheses=tuple(
                Hypothesis(id=one.id, text=text)
                for one, text in zip(utterances, heard, strict=True)
            ),
        )

    def _checkpoint(self, epoch: int) -> str:
        return f"{self._job.outputs.checkpoints}/epoch-{epoch:04d}.npz"

    async def _save(self, epoch: int) -> None:
        """Write a file where the weights would be; it says that it holds none."""
        path = self._checkpoint(epoch)
        data = f"trace of {self._table.name}: no weights, epoch {epoch}\n".encode()
        host = self._phone.host_path(path)
        host.parent.mkdir(parents=True, exist_ok=True)
        host.write_bytes(data)
        await self._say(
            Checkpoint,
            epoch=epoch,
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            best=self._history.kept == epoch,
        )

    async def _finish(self) -> None:
        epochs, kept = self._history.epochs, self._history.kept
        await self._say(
            Finished,
            epochs=self._history.done,
            kept_epoch=kept,
            kept_checkpoint=self._checkpoint(kept) if kept else None,
            wer_before_percent=epochs[0].wer_percent,
            wer_after_percent=epochs[kept].wer_percent,
            peak_rss_mb=self._cost.peak_rss_mb,
        )

    @contextlib.asynccontextmanager
    async def _phase(self, phase: Phase, epoch: int | None = None) -> Any:
        await self._say(PhaseChange, phase=phase, state="begin", epoch=epoch)
        try:
            yield
        finally:
            await self._say(PhaseChange, phase=phase, state="end", epoch=epoch)

    async def _spend(self, seconds: float) -> None:
        """Let the time pass that the table says, at the replay's speed.

        Raises:
            StopCommand: The host asked for an end.
        """
        if self._stop_file.exists():
            raise StopCommand
        await self._phone.sleep(seconds / self._speed)
        if self._stop_file.exists():
            raise StopCommand

    async def _say(self, event_type: type[Any], /, **fields: Any) -> Any:
        # what isn't a step is flushed to the disk, and other phones share the loop
        if event_type is Step:
            return self._log.write(event_type, **fields)
        return await asyncio.to_thread(self._log.write, event_type, **fields)


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
            other = _WRONG_WORD if word != _WRONG_WORD else f"{_WRONG_WORD}d"
            words.append(other if wrong else word)
        heard.append(" ".join(words))
    return heard


def _positions() -> Iterator[int]:
    n = 0
    while True:
        yield n
        n += 1
