"""Log-mel features in ordinary tensorflow operations: the reference of every family."""

from __future__ import annotations

import tensorflow as tf

from harness.model.configuration import FeatureSettings
from harness.model.tensors import Tensor


def plain_log_mel(pcm: Tensor, samples: Tensor, frames: int, settings: FeatureSettings) -> Tensor:
    """Return log-mel features [frames, mels] of one utterance, with ``tf.signal``.

    Args:
        pcm: [samples of ``frames``] int16, zeros after ``samples``.
        samples: Scalar int32.
        frames: Of the longest utterance.
        settings: Window, hop, filters.
    """
    wave = tf.cast(pcm, tf.float32) / 32768.0
    level = tf.sqrt(tf.reduce_sum(tf.square(wave)) / tf.cast(samples, tf.float32)) + 1e-5
    spectrum = tf.abs(tf.signal.stft(wave / level, settings.window, settings.hop, settings.fft))
    mel = tf.signal.linear_to_mel_weight_matrix(
        settings.mels,
        settings.fft // 2 + 1,
        settings.sample_rate,
        settings.low_hz,
        settings.high_hz,
    )
    decibel = tf.math.log(tf.matmul(tf.square(spectrum), mel) / settings.window + settings.floor)
    used = (samples - settings.window) // settings.hop + 1
    valid = decibel[:used]
    mean, variance = tf.nn.moments(valid, [0])
    scaled = (valid - mean) / (tf.sqrt(variance) + 1e-2)
    return tf.pad(scaled, [[0, frames - used], [0, 0]])
