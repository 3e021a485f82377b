"""One job from its first event to its last: select, load, preprocess, then epochs.

A process that is started again on the same job (the phone killed the first) goes on after the last
epoch whose checkpoint is complete; Adam's moments start anew then.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

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
from harness.contract.order import epoch_batches
from harness.errors import HarnessError, InputError
from harness.metrics.words import wer_percent
from harness.trainer import device
from harness.trainer.batches import make_batch
from harness.trainer.checkpoints import (
    check_sha256,
    checkpoint_path,
    prune,
    save_checkpoint,
)
from harness.trainer.decode import greedy_decode
from harness.trainer.events import EventLog
from harness.trainer.history import History
from harness.trainer.policies import resources_allow, select_sub_model
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel

TRAINER_NAME = "python-reference"

Features = Sequence[npt.NDArray[np.float32]]


class TrainingDivergedError(HarnessError):
    """The loss is no longer a number: the learning rate is too high for these weights."""


class MemoryUnknownError(HarnessError):
    """The phone does not tell MemAvailable, so no sub-model can be chosen."""


class StopCommand(Exception):  # noqa: N818 - an order, not an error
    """The host asked for an end."""


class Training:
    """One run of the trainer on a job.

    Args:
        job: What to do.
        log: Where to say what was done.
        stop_requested: Asked before each step, besides the job's stop file.
    """

    def __init__(self, job: Job, log: EventLog, stop_requested: Callable[[], bool]) -> None:
        self._job = job
        self._log = log
        self._stop_requested = stop_requested
        self._history = History(log.before)
        self._folder = Path(job.outputs.checkpoints)
        self._sub_model: SubModel | None = None

    def run(self) -> None:
        """Train; ends with a ``finished`` event.

        Raises:
            InputError: A file of the job cannot be used.
            MemoryUnknownError: There is nothing to choose a sub-model by.
            TrainingDivergedError: The loss became infinite or NaN.
            StopCommand: Asked to stop before there was anything to finish with.
            OSError: A file could not be written.
        """
        import ai_edge_litert

        if self._history.finished:
            return
        if self._history.stopped:
            self._finish()  # killed between its last two words
            return
        # LiteRT's own pages belong to what the trainer holds before it asks what is available
        import ai_edge_litert.interpreter

        training = self._job.training
        self._log.write(
            Started,
            trainer=TRAINER_NAME,
            trainer_version=__version__,
            runtime=f"ai-edge-litert {ai_edge_litert.__version__}",
            pid=os.getpid(),
            threads=training.threads,
        )
        self._select()
        with self._phase("load"):
            model = self._load()
        with self._phase("preprocess"):
            train = self._features(model, self._job.data.train)
            validation = self._features(model, self._job.data.validation)
        if 0 not in self._history.epochs:
            self._evaluate(model, validation, 0, None, 0.0)
        reason: StopReason
        try:
            reason = self._train_epochs(model, train, validation)
        except StopCommand:
            reason = "command"
        self._log.write(Stopped, reason=reason, epoch=self._history.done)
        self._finish()

    def _finish(self) -> None:
        epochs, kept = self._history.epochs, self._history.kept
        self._log.write(
            Finished,
            epochs=self._history.done,
            kept_epoch=kept,
            kept_checkpoint=str(checkpoint_path(self._folder, kept)) if kept else None,
            wer_before_percent=epochs[0].wer_percent,
            wer_after_percent=epochs[kept].wer_percent,
            peak_rss_mb=device.peak_rss_mb(),
        )

    @contextlib.contextmanager
    def _phase(self, phase: Phase, epoch: int | None = None) -> Iterator[None]:
        def say(state: str) -> None:
            self._log.write(
                PhaseChange, phase=phase, state=state, epoch=epoch, rss_mb=device.rss_mb()
            )

        say("begin")
        try:
            yield
        finally:
            say("end")

    def _select(self) -> None:
        if self._history.selected is not None:
            self._sub_model = self._history.selected.sub_model
            return
        selection = self._job.selection
        available = device.available_mb()
        if available is None and selection.forced is None:
            raise MemoryUnknownError("the phone does not tell MemAvailable")
        self._sub_model = selection.forced or select_sub_model(
            available or 0.0, selection.need_mb, selection.candidates
        )
        self._log.write(
            Selected,
            sub_model=self._sub_model,
            policy=selection.policy,
            forced=selection.forced is not None,
            available_mb=round(available or 0.0, 3),
            need_mb=selection.need_mb,
            rss_mb=device.rss_mb(),
        )

    def _load(self) -> FlatbufferModel:
        files = self._job.model
        check_sha256(Path(files.path), files.sha256)
        model = FlatbufferModel(Path(files.path), self._job.training.threads)
        if self._job.training.batch_size > model.info.batch_size:
            raise InputError(
                f"batch size {self._job.training.batch_size} is asked for, "
                f"the model takes {model.info.batch_size}",
                where=files.path,
            )
        start = self._start_weights()
        if start is not None:
            path, sha256 = start
            if sha256 is not None:
                check_sha256(path, sha256)
            model.load_checkpoint(path)
        return model

    def _start_weights(self) -> tuple[Path, str | None] | None:
        files = self._job.model
        own = self._history.last_checkpoint
        if own is not None:
            return checkpoint_path(self._folder, own.epoch), own.sha256
        if files.checkpoint is not None:
            return Path(files.checkpoint), files.checkpoint_sha256
        return None

    def _features(self, model: FlatbufferModel, utterances: Sequence[Utterance]) -> Features:
        rate = model.info.sample_rate
        found = []
        for utterance in utterances:
            self._check_stop()
            found.append(model.features(read_wav(Path(utterance.path), rate)))
        return found

    def _train_epochs(
        self, model: FlatbufferModel, train: Features, validation: Features
    ) -> StopReason:
        if self._sub_model is None:
            return "no_sub_model_fits"
        patience = self._history.patience(self._job.stop)
        for epoch in range(self._history.done + 1, self._job.training.epochs + 1):
            if patience.stop:
                return "patience"
            why = resources_allow(
                device.battery_percent(),
                device.available_mb(),
                battery_below_percent=self._job.stop.battery_below_percent,
                available_below_mb=self._job.stop.available_below_mb,
            )
            if why is not None:
                return why
            began = time.monotonic()
            with self._phase("train", epoch):
                loss = self._train_epoch(model, self._sub_model, train, epoch)
            seconds = time.monotonic() - began
            self._evaluate(model, validation, epoch, loss, seconds)
            with self._phase("save", epoch):
                self._save(model, epoch)
            patience = patience.after(self._history.epochs[epoch].wer_percent)
        return "patience" if patience.stop else "epochs_done"

    def _train_epoch(
        self, model: FlatbufferModel, sub_model: SubModel, features: Features, epoch: int
    ) -> float:
        utterances, training = self._job.data.train, self._job.training
        lengths = [len(one) for one in features]
        batches = epoch_batches(training.seed, epoch, lengths, training.batch_size)
        losses: list[float] = []
        for step, rows in enumerate(batches):
            self._check_stop()
            batch = make_batch(
                [features[row] for row in rows], [utterances[row].text for row in rows], model.info
            )
            began = time.monotonic()
            loss = model.train_step(sub_model, batch, training.learning_rate)
            if not math.isfinite(loss):
                raise TrainingDivergedError(f"the loss is {loss} in step {step} of epoch {epoch}")
            self._log.write(
                Step,
                epoch=epoch,
                step=step,
                loss=loss,
                seconds=round(time.monotonic() - began, 4),
                utterances=len(rows),
            )
            losses += [loss] * len(rows)
        return sum(losses) / len(losses)

    def _evaluate(
        self,
        model: FlatbufferModel,
        features: Features,
        epoch: int,
        train_loss: float | None,
        train_seconds: float,
    ) -> None:
        utterances, info = self._job.data.validation, model.info
        began = time.monotonic()
        heard: list[str] = []
        with self._phase("evaluate", epoch):
            for start in range(0, len(features), info.batch_size):
                self._check_stop()
                part = features[start : start + info.batch_size]
                logits = model.infer(make_batch(part, [""] * len(part), info))
                heard += [greedy_decode(one, info.alphabet, info.blank) for one in logits]
        wer = wer_percent(
            (utterance.text, text) for utterance, text in zip(utterances, heard, strict=True)
        )
        self._history.epochs[epoch] = self._log.write(
            Epoch,
            epoch=epoch,
            wer_percent=wer,
            train_loss=train_loss,
            train_seconds=round(train_seconds, 4),
            evaluate_seconds=round(time.monotonic() - began, 4),
            battery_percent=device.battery_percent(),
            available_mb=device.available_mb(),
            best=self._history.is_best(wer),
            hypotheses=tuple(
                Hypothesis(id=utterance.id, text=text)
                for utterance, text in zip(utterances, heard, strict=True)
            ),
        )

    def _save(self, model: FlatbufferModel, epoch: int) -> None:
        saved = save_checkpoint(self._folder, epoch, model.weights())
        kept = self._history.kept
        self._log.write(
            Checkpoint,
            epoch=epoch,
            path=str(saved.path),
            sha256=saved.sha256,
            size_bytes=saved.size_bytes,
            best=kept == epoch,
        )
        prune(self._folder, {epoch, kept})

    def _check_stop(self) -> None:
        if self._stop_requested() or Path(self._job.outputs.stop_file).exists():
            raise StopCommand
