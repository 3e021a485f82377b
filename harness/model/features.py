"""Log-mel features from PCM, as a graph of builtin operators (one utterance at a time)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.model.configuration import FeatureSettings
from harness.model.tensors import Tensor

_FIXED_LEVEL = 0.08
"""RMS of the speech that fixed features are scaled for (synthetic voices, and people near by)."""
_FIXED_MEAN, _FIXED_DEVIATION = -2.5, 2.6
"""Of the logarithms of such speech."""


def mel_filters(settings: FeatureSettings) -> npt.NDArray[np.float32]:
    """Return triangular filters [fft/2+1, mels], evenly spaced on the HTK mel scale."""

    def to_mel(hz: float) -> float:
        return 2595.0 * float(np.log10(1.0 + hz / 700.0))

    edges_mel = np.linspace(to_mel(settings.low_hz), to_mel(settings.high_hz), settings.mels + 2)
    edges = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    bins = np.fft.rfftfreq(settings.fft, 1.0 / settings.sample_rate)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def log_mel(pcm: Tensor, samples: Tensor, frames: int, settings: FeatureSettings) -> Tensor:
    """Return normalised log-mel features.

    The level of the recording is taken out first; then each mel band gets mean 0 and deviation 1
    over the utterance. If ``settings.normalise`` is fixed, level, mean and deviation are constants.

    Args:
        pcm: [settings.samples(frames)] int16, zeros after ``samples``.
        samples: Scalar int32, at least one window.
        frames: Frames to make (static).
        settings: Log-mel settings.

    Returns:
        Features [frames, mels], zero past the utterance, and its number of frames (int32).
    """
    if settings.window != 2 * settings.hop:
        raise ValueError("the window must be two hops long")
    used = (samples - settings.window) // settings.hop + 1
    wave = tf.cast(pcm, tf.float32) * (1.0 / 32768.0)
    fixed = settings.normalise == "fixed"
    squares = tf.reduce_sum(wave * wave) / tf.cast(samples, tf.float32)
    level = _FIXED_LEVEL if fixed else tf.sqrt(squares) + 1e-5
    hops = tf.reshape(wave / level, [frames + 1, settings.hop])
    halves = [tf.slice(hops, [n, 0], [frames, settings.hop]) for n in (0, 1)]
    window = np.hanning(settings.window + 1)[:-1].astype(np.float32)
    windowed = tf.concat(halves, 1) * window
    padded = tf.pad(windowed, [[0, 0], [0, settings.fft - settings.window]])
    spectrum = tf.signal.rfft2d(padded[:, None, :], [1, settings.fft])
    power = tf.square(tf.abs(tf.reshape(spectrum, [frames, settings.fft // 2 + 1])))
    energy = tf.matmul(power, tf.constant(mel_filters(settings)))
    decibel = tf.math.log(energy * (1.0 / settings.window) + settings.floor)
    mask = tf.cast(tf.range(frames) < used, tf.float32)[:, None]
    if fixed:
        return (decibel - _FIXED_MEAN) * (1.0 / _FIXED_DEVIATION) * mask, used
    count = tf.cast(used, tf.float32)
    centred = (decibel - tf.reduce_sum(decibel * mask, 0, keepdims=True) / count) * mask
    deviation = tf.sqrt(tf.reduce_sum(centred * centred, 0, keepdims=True) / count)
    return centred / (deviation + 1e-2), used
