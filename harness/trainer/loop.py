"""One job from its first event to its last: select, load, preprocess, then epochs.

A process that is started again on the same job (the phone killed the first) goes on after the last
epoch whose checkpoint is complete; Adam's moments start anew then.
"""

from __future__ import annotations

import contextlib
import os
import random
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
from harness.metrics.words import wer_percent
from harness.trainer import device
from harness.trainer.checkpoints import checkpoint_path, prune, save_checkpoint
from harness.trainer.decode import greedy_decode
from harness.trainer.events import EventLog
from harness.trainer.policies import (
    Patience,
    resources_allow,
    select_sub_model,
    start_patience,
)
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel, make_batch

TRAINER_NAME = "python-reference"

Features = Sequence[npt.NDArray[np.float32]]


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
        saved = [e.epoch for e in log.before if isinstance(e, Checkpoint)]
        self._last_saved = max(saved, default=0)
        # an epoch that was evaluated but not saved is trained again; its event stands twice then
        self._epochs = {
            e.epoch: e for e in log.before if isinstance(e, Epoch) and e.epoch <= self._last_saved
        }
        self._folder = Path(job.outputs.checkpoints)
        self._sub_model: SubModel | None = None

    def run(self) -> None:
        """Train; ends with a ``finished`` event.

        Raises:
            harness.errors.InputError: A file of the job cannot be used.
            OSError: A file could not be written.
        """
        import ai_edge_litert

        if any(isinstance(event, Finished) for event in self._log.before):
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
        if 0 not in self._epochs:
            self._evaluate(model, validation, 0, None, 0.0)
        reason: StopReason
        try:
            reason = self._train_epochs(model, train, validation)
        except StopCommand:
            reason = "command"
        done = max(self._epochs)
        self._log.write(Stopped, reason=reason, epoch=done)
        kept = self._kept()
        self._log.write(
            Finished,
            epochs=done,
            kept_epoch=kept,
            kept_checkpoint=str(checkpoint_path(self._folder, kept)) if kept else None,
            wer_before_percent=self._epochs[0].wer_percent,
            wer_after_percent=self._epochs[kept].wer_percent,
            peak_rss_mb=device.peak_rss_mb(),
        )

    def _kept(self) -> int:
        """Return the epoch with the lowest WER, the earliest of equals; 0 = nothing got better."""
        return min(self._epochs, key=lambda epoch: (self._epochs[epoch].wer_percent, epoch))

    @contextlib.contextmanager
    def _phase(self, phase: Phase, epoch: int | None = None) -> Iterator[None]:
        self._log.write(PhaseChange, phase=phase, state="begin", epoch=epoch)
        try:
            yield
        finally:
            self._log.write(PhaseChange, phase=phase, state="end", epoch=epoch)

    def _select(self) -> None:
        earlier = [e for e in self._log.before if isinstance(e, Selected)]
        if earlier and self._last_saved:
            self._sub_model = earlier[-1].sub_model  # the weights so far belong to this choice
            return
        selection = self._job.selection
        available = device.available_mb()
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
        )

    def _load(self) -> FlatbufferModel:
        files = self._job.model
        model = FlatbufferModel(Path(files.path), self._job.training.threads)
        if self._last_saved:
            model.load_checkpoint(checkpoint_path(self._folder, self._last_saved))
        elif files.checkpoint is not None:
            model.load_checkpoint(Path(files.checkpoint))
        return model

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
        patience = self._patience_so_far()
        for epoch in range(max(self._epochs) + 1, self._job.training.epochs + 1):
            if patience.stop:
                return "patience"
            why = resources_allow(
                device.battery_percent(),
                device.available_mb(),
                battery_below_percent=self._job.stop.battery_below_percent,
                available_below_mb=self._job.stop.available_below_mb,
            )
            if why is not None:
                return "battery" if why == "battery" else "memory"
            began = time.monotonic()
            with self._phase("train", epoch):
                loss = self._train_epoch(model, self._sub_model, train, epoch)
            seconds = time.monotonic() - began
            self._evaluate(model, validation, epoch, loss, seconds)
            with self._phase("save", epoch):
                self._save(model, epoch)
            patience = patience.after(self._epochs[epoch].wer_percent)
        return "patience" if patience.stop else "epochs_done"

    def _patience_so_far(self) -> Patience:
        stop = self._job.stop
        patience = start_patience(stop.policy, stop.patience, self._epochs[0].wer_percent)
        for epoch in range(1, self._last_saved + 1):
            patience = patience.after(self._epochs[epoch].wer_percent)
        return patience

    def _train_epoch(
        self, model: FlatbufferModel, sub_model: SubModel, features: Features, epoch: int
    ) -> float:
        utterances, training = self._job.data.train, self._job.training
        order = list(range(len(utterances)))
        random.Random(f"{training.seed}:{epoch}").shuffle(order)
        size = min(training.batch_size, model.info.batch_size)
        losses: list[float] = []
        for step, start in enumerate(range(0, len(order), size)):
            self._check_stop()
            rows = order[start : start + size]
            batch = make_batch(
                [features[row] for row in rows], [utterances[row].text for row in rows], model.info
            )
            began = time.monotonic()
            loss = model.train_step(sub_model, batch, training.learning_rate)
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
        best = all(wer < earlier.wer_percent for earlier in self._epochs.values())
        self._epochs[epoch] = self._log.write(
            Epoch,
            epoch=epoch,
            wer_percent=wer,
            train_loss=train_loss,
            train_seconds=round(train_seconds, 4),
            evaluate_seconds=round(time.monotonic() - began, 4),
            battery_percent=device.battery_percent(),
            available_mb=device.available_mb(),
            best=best,
            hypotheses=tuple(
                Hypothesis(id=utterance.id, text=text)
                for utterance, text in zip(utterances, heard, strict=True)
            ),
        )

    def _save(self, model: FlatbufferModel, epoch: int) -> None:
        saved = save_checkpoint(self._folder, epoch, model.get_weights())
        kept = self._kept()
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
