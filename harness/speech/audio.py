"""Recordings of any kind (WAV, FLAC, OGG, MP3; any rate, width, channels) as the model takes them.

The model hears 16-bit mono at 16 kHz. A recording that is that already keeps its samples; any
other is mixed down, resampled with soxr and rounded, without dither: the same file gives the same
bytes. Sound is read in blocks, so that an hour needs no more memory than its 16-bit samples.
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import InputError
from harness.speech import av_audio
from harness.speech.containers import inspect
from harness.speech.patches import CutError

SAMPLE_RATE = 16_000
"""Hz of every recording."""
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".w64", ".caf")
"""Names of files that are taken for recordings."""
SILENT_PEAK = 64
"""A recording that never gets louder (-54 dB of full scale) is silence."""
CLIPPED_SHARE = 0.001
"""A larger share of samples at full scale is worth a warning."""
BLOCK: Final = 1 << 18
"""Frames that are decoded at a time."""

_FULL_SCALE = 32_767
_LOUDEST = 32_700  # what was clipped before resampling is not all at full scale after it
_EXACT = ("PCM_16", "PCM_U8", "PCM_S8")
_SEGMENT_SLACK_S = 0.05


@dataclass(frozen=True)
class Segment:
    """A part of a recording, in seconds."""

    start_s: float = 0.0
    seconds: float | None = None
    """None: to the end."""
    rounded_s: float = 0.0
    """``seconds`` may be off by this: a recording that ends so near to it is taken whole."""


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


def read_recording(
    path: Path, segment: Segment | None = None, *, at_most_s: float | None = None
) -> Recording:
    """Read a recording and convert it.

    Args:
        path: The file.
        segment: Only this part of it.
        at_most_s: Stop decoding a second after this much; what is returned is then longer.

    Raises:
        InputError: It is not there or cannot be decoded, ends before its container says so, is
            empty or silent, holds values that are no numbers, or has no such segment.
    """
    part = segment or Segment()
    limit = None if part.seconds is None else part.seconds + part.rounded_s
    if at_most_s is not None and (limit is None or limit > at_most_s + 1):
        limit = at_most_s + 1
    if path.suffix.lower() in av_audio.SUFFIXES:
        rate, blocks = av_audio.decoded(path)
        samples = _converted(_cut(blocks, rate, part.start_s, limit), rate, path)
    else:
        samples = _read_sound(path, part.start_s, limit)
    samples = _segment_of(samples, part, limit, path)
    if len(samples) == 0:
        raise InputError("holds no sound", where=str(path), hint="Record it again.")
    if is_silent(samples):
        raise InputError(
            "is silent", where=str(path), hint="Record it again, or leave it out of the corpus."
        )
    return Recording(samples)


def _segment_of(
    samples: NDArray[np.int16], part: Segment, limit: float | None, path: Path
) -> NDArray[np.int16]:
    """Return the samples of a segment; they begin where it does.

    Raises:
        InputError: The recording ends before it.
    """
    if part.seconds is None or (limit is not None and limit < part.seconds):
        return samples
    lasts = len(samples) / SAMPLE_RATE
    if lasts < part.seconds - max(part.rounded_s, _SEGMENT_SLACK_S):
        raise InputError(
            f"ends at {part.start_s + lasts:.2f} s, before the segment from {part.start_s:.2f} to "
            f"{part.start_s + part.seconds:.2f} s does",
            where=str(path),
            hint="Give offset and duration in seconds.",
        )
    # one that goes on after the rounding is cut where it was said to be
    whole = lasts < part.seconds + part.rounded_s
    return samples if whole else samples[: round(part.seconds * SAMPLE_RATE)]


def _read_sound(path: Path, start_s: float, limit: float | None) -> NDArray[np.int16]:
    import soundfile  # 0.1 s that other commands need not wait

    try:
        with path.open("rb") as raw:
            repaired = inspect(raw)
            with soundfile.SoundFile(repaired or os.fsencode(path)) as file:
                # an MP3 counts frames, of which decoders leave out some at both ends
                exact = file.format not in ("MP3", "MPEG")
                skipped = min(round(start_s * file.samplerate), file.frames)
                if skipped and file.seekable():
                    file.seek(skipped)
                    start_s = 0.0
                promised = file.frames - skipped if exact else None
                blocks = _cut(_blocks(file, promised), file.samplerate, start_s, limit)
                return _converted(blocks, file.samplerate, path)
    except CutError as error:
        raise InputError("is cut off", where=str(path), hint="Copy or record it again.") from error
    except (OSError, soundfile.SoundFileError) as error:
        raise _unreadable(path, error) from error


def _blocks(file: Any, promised: int | None) -> Iterator[NDArray[Any]]:
    """Yield [frames, channels] until the file has no more.

    16-bit samples come as they stand in the file; all others lose nothing as float.

    Raises:
        CutError: There are fewer frames than promised.
    """
    kind = "int16" if file.subtype in _EXACT else "float64"
    samples = 0
    while len(block := file.read(frames=BLOCK, dtype=kind, always_2d=True)):
        samples += len(block)
        yield block
    if promised is not None and samples < promised:
        raise CutError


def _cut(
    blocks: Iterable[NDArray[Any]], rate: int, start_s: float, limit: float | None
) -> Iterator[NDArray[Any]]:
    """Yield what of the blocks comes after ``start_s``, at most ``limit`` seconds."""
    skip = round(start_s * rate)
    left = None if limit is None else round(limit * rate)
    for block in blocks:
        if skip >= len(block):
            skip -= len(block)
            continue
        taken = block[skip:] if left is None else block[skip : skip + left]
        skip = 0
        yield taken
        if left is not None:
            left -= len(taken)
            if left <= 0:
                return


def _converted(blocks: Iterable[NDArray[Any]], rate: int, path: Path) -> NDArray[np.int16]:
    """Return blocks [frames, channels] as one recording [N], mono, 16 kHz."""
    stream: soxr.ResampleStream | None = None
    parts: list[NDArray[np.int16]] = []
    for block in blocks:
        exact = block.dtype == np.int16
        if exact and rate == SAMPLE_RATE and block.shape[1] == 1:
            parts.append(block[:, 0].copy())
            continue
        wide = block / 32_768.0 if exact else block
        if not np.isfinite(wide).all():
            raise InputError("holds values that are no numbers", where=str(path))
        mono = wide.mean(axis=1)
        if rate != SAMPLE_RATE:
            if stream is None:
                stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float64", quality="VHQ")
            mono = stream.resample_chunk(mono)
        parts.append(_rounded(mono))
    if stream is not None:
        parts.append(_rounded(stream.resample_chunk(np.zeros(0), last=True)))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _rounded(mono: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.rint(np.clip(mono * 32_768.0, -_FULL_SCALE - 1, _FULL_SCALE)).astype(np.int16)


def _unreadable(path: Path, error: Exception) -> InputError:
    if not path.is_file():
        return InputError("no such file", where=str(path))
    reason = str(error).rpartition(": ")[2].rstrip(".")
    return InputError(
        f"cannot be read as a recording: {reason}",
        where=str(path),
        hint="WAV, FLAC, OGG and MP3 can be read.",
    )
