"""What hearing a recording while it goes on costs: time per time, and how late the last word is.

Samples come as they would from a microphone: a step can begin when the last sample that it takes is
there and the step before has ended. Steps run as fast as they do here, and only the clock waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.trainer.streaming import Recogniser

_SPEECH_SHARE = 10 ** (-30 / 20)
"""Of the loudest frame's level: what is less loud is no speech any more."""
_FRAME_S = 0.01


@dataclass(frozen=True)
class Streamed:
    """One recording, heard while it went on."""

    text: str
    audio_s: float
    compute_s: float
    """Of all steps together."""
    steps: int
    """Segments heard."""
    last_word_s: float | None
    """From the end of speech to the last change of the text; None if nothing was heard. Below 0:
    it was written before the speech ended."""

    @property
    def real_time_factor(self) -> float:
        """Return the time of all steps per time of the recording."""
        return self.compute_s / self.audio_s


def stream(
    recogniser: Recogniser,
    pcm: npt.NDArray[np.int16],
    sample_rate: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Streamed:
    """Hear a recording as if it went on now.

    Args:
        recogniser: Fresh.
        pcm: Its samples, one at least.
        sample_rate: Hz.
        clock: Seconds.
    """
    now, compute, at = 0.0, 0.0, 0
    changed: float | None = None
    while at < len(pcm):
        count = max(1, min(recogniser.samples_wanted, len(pcm) - at))
        before, began = recogniser.text, clock()
        recogniser.hear(pcm[at : at + count])
        at += count
        if at == len(pcm):
            recogniser.end()
        seconds = clock() - began
        now = max(now, at / sample_rate) + seconds
        compute += seconds
        if recogniser.text != before:
            changed = now
    end = end_of_speech(pcm, sample_rate)
    return Streamed(
        recogniser.text,
        len(pcm) / sample_rate,
        compute,
        recogniser.steps,
        None if changed is None else changed - end,
    )


def end_of_speech(pcm: npt.NDArray[np.int16], sample_rate: int) -> float:
    """Return the second at which the last frame ends that is within 30 dB of the loudest.

    Args:
        pcm: Samples, one at least.
        sample_rate: Hz.
    """
    width = max(1, int(_FRAME_S * sample_rate))
    whole = np.zeros(-(-len(pcm) // width) * width)
    whole[: len(pcm)] = pcm
    level = np.sqrt(np.mean(whole.reshape(-1, width) ** 2, 1))
    loud = np.flatnonzero(level >= level.max() * _SPEECH_SHARE)
    return float(min(len(pcm), (int(loud[-1]) + 1) * width)) / sample_rate
