"""Which utterances a network can be trained on, their features, and their batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.contract.order import epoch_batches
from harness.errors import InputError
from harness.model.configuration import BLANK, NetworkConfig
from harness.model.pretraining.augment import at_speed, hardened
from harness.model.pretraining.engine import Engine
from harness.model.pretraining.mixture import Mixture, rows_of_epoch
from harness.model.pretraining.settings import Settings
from harness.speech import Corpus, Utterance
from harness.trainer.batches import Batch, Floats, make_batch
from harness.trainer.info import ModelInfo
from harness.trainer.recordings import read_wav

BUCKET_FRAMES = 32
"""Batches are padded to a multiple of this: each length costs the trace of a graph."""
_CACHE_BYTES = 1 << 30
"""Features kept in memory; those of a larger corpus are made anew in each epoch."""


def model_info(config: NetworkConfig) -> ModelInfo:
    """Return what a flatbuffer of this configuration would say of itself."""
    return ModelInfo(
        batch_size=config.batch_size,
        max_frames=config.max_frames,
        max_label=config.max_label,
        alphabet=config.alphabet,
        blank=BLANK,
        sample_rate=config.features.sample_rate,
        window=config.features.window,
        hop=config.features.hop,
        time_stride=config.time_stride,
        network=config.describe(),
    )


@dataclass(frozen=True)
class Clip:
    """A recording that fits the network."""

    utterance: Utterance
    samples: int

    def frames(self, info: ModelInfo, speed: float = 1.0) -> int:
        """Return frames of features, at a speed (one too many rather than too few)."""
        samples = self.samples if speed == 1.0 else int(self.samples / speed) + 1
        return (samples - info.window) // info.hop + 1


@dataclass(frozen=True)
class Chosen:
    """What can be used of the corpora, and why the rest is not."""

    train: tuple[Clip, ...]
    """Corpus by corpus."""
    validation: tuple[Clip, ...]
    left_out: dict[str, int]
    """Utterances by reason."""
    sizes: tuple[int, ...]
    """How many of ``train`` are of each corpus."""
    weights: tuple[float, ...]
    """How often an utterance of each corpus is heard in an epoch."""


def choose(mixture: Mixture, info: ModelInfo) -> Chosen:
    """Return the utterances that the network can take.

    Raises:
        InputError: None of a corpus is left to train or to validate on, or a recording cannot be
            read.
    """
    train: list[Clip] = []
    validation: list[Clip] = []
    left_out: Counter[str] = Counter()
    sizes = []
    for corpus in mixture.corpora:
        by_split = _usable(corpus, info, left_out)
        train += by_split["train"]
        validation += by_split["validation"]
        sizes.append(len(by_split["train"]))
    weights = tuple(share.weight for share in mixture.shares)
    return Chosen(tuple(train), tuple(validation), dict(left_out), tuple(sizes), weights)


def _usable(corpus: Corpus, info: ModelInfo, all_left_out: Counter[str]) -> dict[str, list[Clip]]:
    by_split: dict[str, list[Clip]] = {"train": [], "validation": []}
    left_out: Counter[str] = Counter()
    for utterance in corpus.utterances:
        clip = Clip(utterance, len(read_wav(utterance.audio, info.sample_rate)))
        reason = _misfit(clip, info)
        if reason is None:
            by_split[utterance.split].append(clip)
        else:
            left_out[reason] += 1
    for split, clips in by_split.items():
        if not clips:
            why = "; ".join(f"{n} {reason}" for reason, n in left_out.items())
            raise InputError(
                f"no {split} utterance that the network can take"
                + (f" ({why} left out)" if why else ""),
                where=str(corpus.manifest),
                hint="Each line's split is train or validation, and both are needed.",
            )
    all_left_out.update(left_out)
    return by_split


def _misfit(clip: Clip, info: ModelInfo) -> str | None:
    labels = info.targets.labels(clip.utterance.text)
    if clip.samples > info.max_samples:
        return f"longer than {info.max_audio_s:.2f} s"
    if clip.samples < info.window:
        return f"shorter than {info.window / info.sample_rate:.3f} s"
    if len(labels) > info.max_label:
        kind = "pieces" if info.network.pieces else "characters"
        return f"of more than {info.max_label} {kind}"
    repeats = sum(a == b for a, b in pairwise(labels))
    if len(labels) + repeats > info.output_frames(clip.frames(info)):
        return "too short for their text"
    return None


class Speech:
    """Features of clips, in batches.

    Args:
        engine: Makes the features.
        config: The network's sizes at the training batch size.
        settings: Of the pre-training.
    """

    def __init__(self, engine: Engine, config: NetworkConfig, settings: Settings) -> None:
        self.info = model_info(config)
        self._engine = engine
        self._settings = settings
        self._kept: dict[tuple[Path, float], Floats] = {}
        self._kept_bytes = 0

    def order(self, chosen: Chosen, epoch: int) -> list[list[int]]:
        """Return the rows of ``chosen.train`` in each batch of an epoch (from 0).

        Short utterances first, once: CTC finds its alignment sooner.
        """
        seed, size = self._settings.seed, self._settings.batch_size
        rows = rows_of_epoch(chosen.sizes, chosen.weights, seed, epoch)
        lengths = [chosen.train[row].samples for row in rows]
        if epoch > 0:
            batches = epoch_batches(seed, epoch, lengths, size)
            return [[rows[place] for place in batch] for batch in batches]
        rows.sort(key=lambda row: chosen.train[row].samples)
        return [rows[n : n + size] for n in range(0, len(rows), size)]

    def training_batch(self, clips: Sequence[Clip], epoch: int, step: int) -> Batch:
        """Return a batch as it is trained on: augmented from the second epoch on.

        All that is random comes from seed, epoch and step: a batch is the same whenever it is made.
        """
        if epoch == 0:
            return self.batch(clips)
        rng = np.random.default_rng([self._settings.seed, epoch, step])
        settings = self._settings.augmentation
        features = []
        for clip in clips:
            speed = float(rng.choice(settings.speeds))
            if not self._fits(clip, speed):
                speed = 1.0
            features.append(hardened(self._features(clip, speed), settings, rng))
        return self._padded(features, clips)

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Return a batch as it was recorded."""
        return self._padded([self._features(clip, 1.0) for clip in clips], clips)

    def _fits(self, clip: Clip, speed: float) -> bool:
        labels = self.info.targets.labels(clip.utterance.text)
        frames = clip.frames(self.info, speed)
        repeats = sum(a == b for a, b in pairwise(labels))
        return frames <= self.info.max_frames and len(labels) + repeats <= self.info.output_frames(
            frames - 1
        )

    def _padded(self, features: Sequence[Floats], clips: Sequence[Clip]) -> Batch:
        longest = max(len(f) for f in features)
        frames = min(-(-longest // BUCKET_FRAMES) * BUCKET_FRAMES, self.info.max_frames)
        texts = [clip.utterance.text for clip in clips]
        return make_batch(features, texts, replace(self.info, max_frames=frames))

    def _features(self, clip: Clip, speed: float) -> Floats:
        key = clip.utterance.audio, speed
        if key not in self._kept:
            pcm = self._pcm(clip, speed)
            features = self._engine.features(pcm)
            if self._kept_bytes + features.nbytes > _CACHE_BYTES:
                return features
            self._kept[key] = features
            self._kept_bytes += features.nbytes
        return self._kept[key]

    def _pcm(self, clip: Clip, speed: float) -> npt.NDArray[np.int16]:
        rate = self.info.sample_rate
        return at_speed(read_wav(clip.utterance.audio, rate), speed, rate)
