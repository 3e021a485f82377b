"""Recordings as the model takes them."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import InputError


def read_wav(path: Path, sample_rate: int) -> npt.NDArray[np.int16]:
    """Read a WAV file.

    Args:
        path: Mono, 16 bit.
        sample_rate: Hz that it must have.

    Returns:
        Samples [N].

    Raises:
        InputError: Not there, or not of this kind.
    """
    try:
        with wave.open(str(path), "rb") as wav:
            shape = (wav.getnchannels(), wav.getsampwidth(), wav.getframerate())
            data = wav.readframes(wav.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(f"not a WAV file: {error}", where=str(path)) from error
    if shape != (1, 2, sample_rate):
        channels, width, rate = shape
        raise InputError(
            f"{channels} channels, {8 * width} bit, {rate} Hz",
            where=str(path),
            hint=f"The model takes mono, 16 bit, {sample_rate} Hz.",
        )
    return np.frombuffer(data, "<i2").astype(np.int16)
