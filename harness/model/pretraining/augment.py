"""What makes training utterances harder: speed, masks, noise (numpy; a generator decides all)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from harness.model.pretraining.settings import Augmentation
from harness.trainer.batches import Floats


def at_speed(pcm: npt.NDArray[np.int16], speed: float, sample_rate: int) -> npt.NDArray[np.int16]:
    """Return a recording played ``speed`` times as fast: [N] -> about [N / speed].

    Args:
        pcm: Samples.
        speed: Above 1 is shorter and higher.
        sample_rate: Hz, of both.
    """
    if speed == 1.0:
        return pcm
    moved: Floats = soxr.resample(pcm.astype(np.float32), sample_rate * speed, sample_rate)
    sound: npt.NDArray[np.int16] = np.clip(np.rint(moved), -32768, 32767).astype(np.int16)
    return sound


def hardened(features: Floats, settings: Augmentation, rng: np.random.Generator) -> Floats:
    """Return one utterance's features [frames, mels] with noise and masks."""
    frames, mels = features.shape
    harder = features.copy()
    if settings.noise > 0:
        noise = rng.standard_normal(features.shape, np.float32)
        harder += noise * np.float32(settings.noise)
    start, end = _span(mels, settings.frequency_mask, rng)
    harder[:, start:end] = 0.0
    start, end = _span(frames, settings.time_mask, rng)
    harder[start:end] = 0.0
    return harder


def _span(size: int, at_most: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw a span of 0 .. ``at_most`` places, all inside ``size``."""
    width = int(rng.integers(0, min(at_most, size) + 1))
    start = int(rng.integers(0, size - width + 1))
    return start, start + width
