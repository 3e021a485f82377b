"""The trainable flatbuffer as a learner: what trains in the reference trainer."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness import __version__
from harness.compression.lots import Key
from harness.contract.exits import ExitRule
from harness.contract.job import Job, Utterance
from harness.contract.network import NetworkError
from harness.contract.order import epoch_batches
from harness.contract.share import Share
from harness.contract.streaming import Streaming
from harness.errors import InputError
from harness.trainer import device
from harness.trainer.batches import make_batch
from harness.trainer.checkpoints import (
    Saved,
    check_sha256,
    checkpoint_path,
    prune,
    save_checkpoint,
)
from harness.trainer.decode import greedy_decode
from harness.trainer.learner import Identity, Start, StepTaken, StopCommand
from harness.trainer.listening import Left, heard_by_rule
from harness.trainer.npz import opened_weights
from harness.trainer.packing import Packing
from harness.trainer.recordings import read_wav
from harness.trainer.runtime import FlatbufferModel
from harness.trainer.share import UPDATE, pulled_back, write_update
from harness.trainer.streamed import Streamed, stream
from harness.trainer.streaming import Recogniser, StreamingModel

TRAINER_NAME = "python-reference"

Features = Sequence[npt.NDArray[np.float32]]


class FlatbufferLearner:
    """A ``Learner`` on LiteRT, in this process. Its methods never wait.

    Args:
        job: What to train.
        stop_requested: Asked before each step, besides the job's stop file.
    """

    def __init__(self, job: Job, stop_requested: Callable[[], bool]) -> None:
        self._job = job
        self._stop_requested = stop_requested
        self._folder = Path(job.outputs.checkpoints)
        self._sub_model: str | None = None
        self._loaded: FlatbufferModel | None = None
        self._train: Features = ()
        self._validation: Features = ()

    def identity(self) -> Identity:
        """Return who trains."""
        import ai_edge_litert

        # LiteRT's own pages belong to what the trainer holds before it asks what is available
        import ai_edge_litert.interpreter

        runtime = f"ai-edge-litert {ai_edge_litert.__version__}"
        return Identity(TRAINER_NAME, __version__, runtime, os.getpid())

    async def load(self, sub_model: str | None, start: Start | None) -> None:
        """Load the flatbuffer and the weights to begin with."""
        files = self._job.model
        check_sha256(Path(files.path), files.sha256)
        job = self._job
        model = FlatbufferModel(Path(files.path), job.training.threads, ordered=job.ordered)
        try:
            job.check_network(model.network)
        except NetworkError as error:
            raise InputError(str(error), where=files.path) from error
        if job.training.batch_size > model.info.batch_size:
            raise InputError(
                f"batch size {job.training.batch_size} is asked for, "
                f"the model takes {model.info.batch_size}",
                where=files.path,
            )
        if start is not None:
            path = Path(start.path)
            if start.sha256 is not None:
                check_sha256(path, start.sha256)
            model.load_checkpoint(path)
        model.seed_rounding(_seed(job))
        self._sub_model, self._loaded = sub_model, model

    async def features(self) -> None:
        """Compute the features of all utterances that are needed; they stay in memory."""
        if self._job.mode == "train":
            self._train = self._features(self._job.data.train)
        self._validation = self._features(self._job.data.validation)

    def _features(self, utterances: Sequence[Utterance]) -> Features:
        rate = self._model.info.sample_rate
        features = []
        for utterance in utterances:
            self._check_stop()
            features.append(self._model.features(read_wav(Path(utterance.path), rate)))
        return features

    async def train(self, epoch: int) -> AsyncGenerator[StepTaken, None]:
        """Take the steps of an epoch."""
        model, utterances, training = self._model, self._job.data.train, self._job.training
        if self._sub_model is None:
            raise ValueError("no sub-model was chosen")
        lengths = [len(feature) for feature in self._train]
        for rows in epoch_batches(training.seed, epoch, lengths, training.batch_size):
            self._check_stop()
            batch = make_batch(
                [self._train[row] for row in rows], [utterances[row].text for row in rows],
                model.info,
            )  # fmt: skip
            began = time.monotonic()
            loss = model.train_step(self._sub_model, batch, training.learning_rate)
            self._pull_back()
            seconds = time.monotonic() - began
            yield StepTaken(loss, seconds, len(rows), model.changed_codes)

    def _pull_back(self) -> None:
        """Take FedProx's step, if the job asks for one."""
        share, start = self._job.share, self._job.model.checkpoint
        if share is None or start is None or not share.proximal:
            return
        amount = self._job.training.learning_rate * share.proximal
        trained = set(self._model.weight_names(self.trained_layers()))
        with opened_weights(Path(start)) as began:
            self._model.change_weights(
                lambda name, value: (
                    pulled_back(value, began.read(name), amount) if name in trained else value
                )
            )

    async def evaluate(self, epoch: int) -> list[str]:  # noqa: ARG002 - its weights are there
        """Return what is heard in each validation utterance."""
        return [text for batch in self._batches() for text in self._heard(batch)]

    async def evaluate_exits(self, epoch: int) -> list[Left]:  # noqa: ARG002 - as evaluate
        """Return where each validation utterance leaves and what is heard there."""
        rule = self._job.exits or ExitRule()
        return [left for batch in self._batches() for left in self._left(batch, rule)]

    async def evaluate_streaming(self, epoch: int) -> list[Streamed]:  # noqa: ARG002 - as evaluate
        """Return what is heard in each validation utterance while it goes on."""
        how, rate = self._job.streaming or Streaming(), self._model.info.sample_rate
        model = StreamingModel(self._model)
        heard = []
        for utterance in self._job.data.validation:
            self._check_stop()
            pcm = read_wav(Path(utterance.path), rate)
            heard.append(stream(Recogniser(model, beam=how.beam), pcm, rate))
        return heard

    def _batches(self) -> Iterator[Features]:
        size, features = self._model.info.batch_size, self._validation
        for start in range(0, len(features), size):
            self._check_stop()
            yield features[start : start + size]

    async def listen(self, utterances: Sequence[Utterance]) -> list[str]:
        """Return what is heard in utterances; no more than a batch of features is in memory."""
        size = self._model.info.batch_size
        heard: list[str] = []
        for start in range(0, len(utterances), size):
            heard += self._heard(self._features(utterances[start : start + size]))
        return heard

    def _heard(self, features: Features) -> list[str]:
        info = self._model.info
        if self._job.exits is not None:
            return [left.text for left in self._left(features, self._job.exits)]
        logits = self._model.infer(make_batch(features, [""] * len(features), info))
        return [greedy_decode(rows, info.targets) for rows in logits]

    def _left(self, features: Features, rule: ExitRule) -> list[Left]:
        info = self._model.info
        batch = make_batch(features, [""] * len(features), info)
        writes = rule.decoder == "attention"
        return heard_by_rule(self._model.segments(batch, writes=writes), rule, info)

    async def restore(self, epoch: int) -> None:
        """Take up the weights of an epoch again."""
        self._model.load_checkpoint(checkpoint_path(self._folder, epoch))

    async def save(self, epoch: int) -> Saved:
        """Write the weights of an epoch, as small as the job says."""
        wire = self._job.stored
        packing = None if wire is None else Packing(wire, self._model.shapes, f"stored:{epoch}")
        return save_checkpoint(self._folder, epoch, self._model.weights(), packing)

    def checkpoint(self, epoch: int) -> str:
        """Return where the checkpoint of an epoch lies."""
        return str(checkpoint_path(self._folder, epoch))

    def trained_layers(self) -> Sequence[str]:
        """Return the layers that the sub-model trains."""
        if self._sub_model is None:
            return ()
        return self._model.network.sub_model(self._sub_model).layers

    async def share(self, kept: int, share: Share) -> Saved:
        """Write the trained layers of an epoch."""
        start = self._job.model.checkpoint
        return write_update(
            self._folder / UPDATE,
            checkpoint_path(self._folder, kept),
            None if start is None else Path(start),
            self._model.weight_names(self.trained_layers()),
            share,
        )

    def keep_only(self, epochs: set[int]) -> None:
        """Delete the checkpoints of all other epochs."""
        prune(self._folder, epochs)

    def clock(self) -> float:
        """Return seconds since any moment."""
        return time.monotonic()

    def available_mb(self) -> float | None:
        """Return MemAvailable in MiB."""
        return device.available_mb()

    def battery_percent(self) -> float | None:
        """Return the battery's level in percent."""
        return device.battery_percent()

    def rss_mb(self) -> float | None:
        """Return this process's resident memory in MiB."""
        return device.rss_mb()

    def peak_rss_mb(self) -> float | None:
        """Return this process's peak resident memory in MiB."""
        return device.peak_rss_mb()

    @property
    def _model(self) -> FlatbufferModel:
        if self._loaded is None:
            raise ValueError("the model is not loaded")
        return self._loaded

    def _check_stop(self) -> None:
        if self._stop_requested() or Path(self._job.outputs.stop_file).exists():
            raise StopCommand


def _seed(job: Job) -> int:
    """Return a job's own seed: clients that round by the same lots would err together."""
    return Key.of(f"{job.job_id}:{job.training.seed}").seed
