"""Recordings of any kind (WAV, FLAC, OGG, MP3; any rate, width, channels) as the model takes them.

The model hears 16-bit mono at 16 kHz. A recording that is that already keeps its samples; any
other is mixed down, resampled with soxr and rounded, without dither: the same file gives the same
bytes.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import InputError

SAMPLE_RATE = 16_000
"""Hz of every recording."""
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".w64", ".caf")
"""Names of files that are taken for recordings."""
SILENT_PEAK = 64
"""A recording that never gets louder (-54 dB of full scale) is silence."""
CLIPPED_SHARE = 0.001
"""A larger share of samples at full scale is worth a warning."""

_FULL_SCALE = 32_767
_LOUDEST = 32_700  # what was clipped before resampling is not all at full scale after it


@dataclass(frozen=True)
class Recording:
    """A recording as the model takes it.

    Attributes:
        samples: [N], mono, 16 kHz.
    """

    samples: NDArray[np.int16]

    @property
    def clipped(self) -> float:
        """Share of the samples at full scale."""
        return float(np.mean(np.abs(self.samples.astype(np.int32)) >= _LOUDEST))

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE


def is_silent(samples: NDArray[np.int16]) -> bool:
    """Tell whether nothing can be heard in 16-bit samples."""
    return samples.size == 0 or max(int(samples.max()), -int(samples.min())) <= SILENT_PEAK


def wav_bytes(samples: NDArray[np.int16]) -> bytes:
    """Return a WAV file: mono, 16 bit, 16 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE)
        wav.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def seconds_of(path: Path) -> float:
    """Return how long a recording lasts, by its header.

    Raises:
        InputError: It is not there, or not a recording that can be read.
    """
    import soundfile

    try:
        return float(soundfile.info(str(path)).duration)
    except (OSError, soundfile.SoundFileError) as error:
        raise _unreadable(path, error) from error


def read_recording(path: Path) -> Recording:
    """Read a recording and convert it.

    Raises:
        InputError: It is not there or cannot be decoded, is empty or silent, or holds values that
            are no numbers.
    """
    import soundfile  # 0.1 s that other commands need not wait

    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, exact = file.samplerate, file.subtype in ("PCM_16", "PCM_U8", "PCM_S8")
            promised = file.frames
            # int16 of a 16-bit file is what stands in it; all others lose nothing as float
            data = file.read(dtype="int16" if exact else "float64", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise _unreadable(path, error) from error
    # what an MP3 says of its own length is a guess
    least = promised * 0.9 if path.suffix.lower() == ".mp3" else promised
    if len(data) < least or _riff_is_cut(path):
        raise InputError("is cut off", where=str(path), hint="Copy or record it again.")
    if len(data) == 0:
        raise InputError("holds no sound", where=str(path), hint="Record it again.")
    if exact and rate == SAMPLE_RATE and data.shape[1] == 1:
        samples = data[:, 0]
    else:
        wide = data / 32_768.0 if exact else data
        if not np.isfinite(wide).all():
            raise InputError("holds values that are no numbers", where=str(path))
        mono = wide.mean(axis=1)
        if rate != SAMPLE_RATE:
            mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ")
        samples = np.rint(np.clip(mono * 32_768.0, -_FULL_SCALE - 1, _FULL_SCALE)).astype(np.int16)
    if is_silent(samples):
        raise InputError(
            "is silent", where=str(path), hint="Record it again, or leave it out of the corpus."
        )
    return Recording(samples)


def _riff_is_cut(path: Path) -> bool:
    """Tell whether a WAV file is shorter than it says; libsndfile plays what is there."""
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] != b"RIFF":
        return False
    size = int.from_bytes(head[4:], "little")
    written_as_it_came = size in (0, 0xFFFFFFFF)
    return not written_as_it_came and path.stat().st_size < size + 8 - size % 2


def _unreadable(path: Path, error: Exception) -> InputError:
    if not path.is_file():
        return InputError("no such file", where=str(path))
    reason = str(error).rpartition(": ")[2].rstrip(".")
    return InputError(
        f"cannot be read as a recording: {reason}",
        where=str(path),
        hint="WAV, FLAC, OGG and MP3 can be read.",
    )
