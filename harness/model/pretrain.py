"""Pre-train a baseline, through the flatbuffer's own signatures.

The network is built once more for pre-training (larger batch, batch normalisation with the batch's
statistics, shorter utterances) and trained by LiteRT: the same code as on the phone, and faster
than tensorflow here. Progress is kept after each epoch and taken up again.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.metrics import wer_percent
from harness.model.configuration import NetworkConfig
from harness.model.export import build_model
from harness.model.initial import Weights
from harness.speech import Corpus, Utterance, load_manifest
from harness.trainer.decode import greedy_decode
from harness.trainer.runtime import Batch, FlatbufferModel, Floats, ModelInfo, make_batch

_WARM_UP_STEPS = 100
_FLAT_SHARE = 0.5
"""Of all steps; then the learning rate falls linearly."""
_LAST_RATE = 0.02


@dataclass(frozen=True)
class Schedule:
    """Settings of a pre-training."""

    epochs: int = 6
    batch_size: int = 16
    learning_rate: float = 2e-3
    noise: float = 0.2
    """Deviation of the noise added to the features (which have deviation 1)."""
    max_frames: int = 272
    unroll: int = 17
    seed: int = 1

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step: warm-up, flat, linear fall."""
        warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
        fallen = max(0.0, step / steps - _FLAT_SHARE) / (1.0 - _FLAT_SHARE)
        return self.learning_rate * warm * max(_LAST_RATE, 1.0 - fallen)


@dataclass(frozen=True)
class Pretrained:
    """What came of it."""

    weights: Weights
    wer_percent: dict[str, float]
    """Of the validation half, by speaker; ``us-pretrain`` = all voices it was trained on."""
    steps: int
    seconds: float
    corpus_sha256: str
    taken_up_after: tuple[int, ...] = ()
    """Epochs after which it was interrupted; Adam started anew there."""


def pretrain(
    config: NetworkConfig,
    manifest: Path,
    work: Path,
    schedule: Schedule,
    *,
    others: Path | None = None,
    threads: int = 2,
    say: Callable[[str], None] = print,
) -> Pretrained:
    """Train all layers of a fresh network on a corpus.

    Args:
        config: The network to be shipped.
        manifest: JSON lines (``harness.speech.manifest``): what to train and validate on. Training
            utterances longer than ``schedule.max_frames`` are left out.
        work: Folder for the flatbuffer and the progress; taken up again if it fits.
        schedule: Settings.
        others: Manifest of other speakers, to be listened to at the end (validation half only).
        threads: Of LiteRT.
        say: Takes a line of progress.

    Raises:
        InputError: A manifest or its recordings cannot be used.
    """
    corpus = load_manifest(manifest)
    purpose = {"corpus": corpus.sha256, "config": repr(config), "schedule": repr(schedule)}
    model = _model(config, work, schedule, threads)
    began = time.monotonic()
    lines = [u for u in corpus.utterances if u.duration_s <= model.info.max_audio_s]
    sounds = {u.id: model.features(read_pcm(u.audio)) for u in lines}
    left_out = len(corpus.utterances) - len(lines)
    say(
        f"features of {len(lines)} utterances in {time.monotonic() - began:.0f} s; "
        f"{left_out} too long"
    )
    train = sorted((u for u in lines if u.split == "train"), key=lambda u: len(sounds[u.id]))
    watched = [u for u in lines if u.split == "validation"]
    groups = [train[n : n + schedule.batch_size] for n in range(0, len(train), schedule.batch_size)]
    progress = _Progress(work, purpose)
    if progress.restore(model):
        say(f"taken up again after epoch {progress.epoch}")
    steps = schedule.epochs * len(groups)
    for epoch in range(progress.epoch, schedule.epochs):
        began = time.monotonic()
        rng = random.Random(f"{schedule.seed}:{epoch}")
        # Short utterances first, once: CTC finds its alignment sooner.
        order = groups if epoch == 0 else rng.sample(groups, len(groups))
        losses = []
        for n, group in enumerate(order):
            batch = _batch(group, sounds, model.info)
            if epoch > 0:
                batch = _noisy(batch, schedule.noise, rng.getrandbits(32))
            rate = schedule.rate(epoch * len(groups) + n, steps)
            losses.append(model.train_step("S1", batch, rate))
        progress.keep(model, time.monotonic() - began)
        say(
            f"epoch {epoch + 1}/{schedule.epochs}: loss {np.mean(losses):.2f}, "
            f"validation WER {_wer(model, watched, sounds):.1f} %, {progress.seconds:.0f} s"
        )
    scores = {"us-pretrain": _wer(model, watched, sounds)}
    if others is not None:
        scores |= listen(model, load_manifest(others))
    return Pretrained(
        model.get_weights(),
        scores,
        steps,
        progress.seconds,
        corpus.sha256,
        tuple(progress.taken_up_after),
    )


class _Progress:
    """What is kept after each epoch: weights, epoch, seconds, and what they belong to."""

    def __init__(self, work: Path, purpose: dict[str, str]) -> None:
        self._state = work / "progress.json"
        self._weights = work / "progress.npz"
        self._purpose = purpose
        self.epoch = 0
        self.seconds = 0.0
        self.taken_up_after: list[int] = []

    def restore(self, model: FlatbufferModel) -> bool:
        """Take up kept progress of the same purpose; say whether there was any."""
        if not self._state.exists():
            return False
        kept = json.loads(self._state.read_text(encoding="utf-8"))
        if kept["purpose"] != self._purpose:
            return False
        model.load_checkpoint(self._weights)
        self.epoch, self.seconds = kept["epoch"], kept["seconds"]
        self.taken_up_after = [*kept["taken_up_after"], self.epoch]
        return True

    def keep(self, model: FlatbufferModel, seconds: float) -> None:
        """Keep the state after one more epoch."""
        self.epoch += 1
        self.seconds += seconds
        np.savez(self._weights, **model.get_weights())  # type: ignore[arg-type]
        state = {
            "purpose": self._purpose,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "taken_up_after": self.taken_up_after,
        }
        partial = self._state.with_name(f"{self._state.name}.{os.getpid()}.part")
        partial.write_text(json.dumps(state), encoding="utf-8")
        partial.replace(self._state)


def _model(config: NetworkConfig, work: Path, schedule: Schedule, threads: int) -> FlatbufferModel:
    """Return the flatbuffer to pre-train with, built at the first call."""
    larger = replace(
        config,
        batch_size=schedule.batch_size,
        max_frames=schedule.max_frames,
        unroll=schedule.unroll,
    )
    digest = hashlib.sha256(f"{larger!r} {schedule.seed}".encode()).hexdigest()
    path = work / f"pretrain-{digest[:12]}.tflite"
    if not path.exists():
        build_model(larger, path, seed=schedule.seed, batch_statistics=True, sub_models=("S1",))
    return FlatbufferModel(path, threads)


def _batch(lines: Sequence[Utterance], sounds: dict[str, Floats], info: ModelInfo) -> Batch:
    return make_batch([sounds[u.id] for u in lines], [u.text for u in lines], info)


def _noisy(batch: Batch, deviation: float, seed: int) -> Batch:
    """Return the batch with noise on its real frames."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(batch.x.shape, np.float32) * np.float32(deviation)
    inside: npt.NDArray[np.bool_] = np.arange(batch.x.shape[1])[None, :] < batch.in_len[:, None]
    return replace(batch, x=batch.x + noise * inside[:, :, None])


def _heard(
    model: FlatbufferModel, lines: Sequence[Utterance], sounds: dict[str, Floats]
) -> list[str]:
    info = model.info
    groups = [lines[n : n + info.batch_size] for n in range(0, len(lines), info.batch_size)]
    return [
        greedy_decode(logits, info.alphabet, info.blank)
        for group in groups
        for logits in model.infer(_batch(group, sounds, info))
    ]


def _wer(model: FlatbufferModel, lines: Sequence[Utterance], sounds: dict[str, Floats]) -> float:
    heard = _heard(model, lines, sounds)
    return round(wer_percent(zip((u.text for u in lines), heard, strict=True)), 2)


def listen(model: FlatbufferModel, corpus: Corpus) -> dict[str, float]:
    """Return the WER (percent) of each speaker's validation utterances, round 1."""
    scores = {}
    for speaker in corpus.speakers:
        lines = corpus.select(speaker, "validation")
        sounds = {u.id: model.features(read_pcm(u.audio)) for u in lines}
        scores[speaker] = _wer(model, lines, sounds)
    return scores


def read_pcm(path: Path) -> npt.NDArray[np.int16]:
    """Return the samples of a mono 16-bit WAV file."""
    with wave.open(str(path), "rb") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.int16)


def settings(schedule: Schedule, result: Pretrained) -> dict[str, float | int | str]:
    """Return what the model manifest keeps of a pre-training."""
    return {
        **asdict(schedule),
        "steps": result.steps,
        "seconds": round(result.seconds),
        "taken_up_after_epochs": ", ".join(map(str, result.taken_up_after)) or "never",
    }
