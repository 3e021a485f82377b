"""Text to speech with espeak-ng, through the library and voices of the ``espeakng-loader`` wheel.

The library speaks at 22,050 Hz. What it says depends on what it said before (and, in its breathy
voices, on memory it never wrote), so the samples of one call are repeatable only in a process that
has spoken nothing yet: :class:`harness.speech.worker.Synthesiser` gives each text such a process.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import soxr
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.speech.audio import SAMPLE_RATE
from harness.speech.speakers import Speaker

# espeak-ng/speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORD_GAP = 1, 2, 3, 4, 7
_PEAK = 0.6 * 32767

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SynthesisError(HarnessError):
    """espeak-ng could not speak."""


class _Espeak:
    """The library, initialised once a process."""

    def __init__(self) -> None:
        try:
            import espeakng_loader

            self._lib = ctypes.CDLL(str(espeakng_loader.get_library_path()))
            data = str(espeakng_loader.get_data_path()).encode()
        except (ImportError, OSError) as error:
            raise SynthesisError(f"espeak-ng cannot be loaded: {error}") from error
        self.rate_hz = int(
            self._lib.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 500, ctypes.c_char_p(data), 0)
        )
        if self.rate_hz <= 0:
            raise SynthesisError("espeak-ng cannot be initialised (are its voices installed?)")
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _CALLBACK(self._collect)  # kept, or the library calls freed memory
        self._lib.espeak_SetSynthCallback(self._callback)

    def _collect(self, wav: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
        if wav and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wav, (count,)).copy())
        return 0

    def speak(self, text: str, speaker: Speaker) -> NDArray[np.int16]:
        """Return the samples of one text at the library's own rate."""
        self._chunks.clear()
        if self._lib.espeak_SetVoiceByName(speaker.voice.encode()) != 0:
            raise SynthesisError(f"espeak-ng has no voice {speaker.voice!r}")
        for parameter, value in (
            (_RATE, speaker.words_per_minute),
            (_VOLUME, 100),
            (_PITCH, speaker.pitch),
            (_RANGE, speaker.pitch_range),
            (_WORD_GAP, 0),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode("utf-8")
        code = self._lib.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
        if code != 0 or self._lib.espeak_Synchronize() != 0:
            raise SynthesisError(f"espeak-ng failed (code {code}) on {text!r}")
        if not self._chunks:
            return np.zeros(0, np.int16)
        return np.concatenate(self._chunks)


@functools.cache
def library() -> _Espeak:
    """Return the library, loaded and initialised, which has not spoken yet.

    Raises:
        SynthesisError: It cannot be loaded.
    """
    return _Espeak()


def synthesise_here(text: str, speaker: Speaker) -> NDArray[np.int16]:
    """Speak a text in this process; repeatable only if it is the first text here.

    Args:
        text: Words of the voice's language, as `harness.speech.text.normalise_text` leaves them.
        speaker: Who speaks.

    Returns:
        Samples, shape [N], mono, 16 kHz, peak at 60 % of full scale.

    Raises:
        SynthesisError: The library is missing, lacks the voice, or gave no sound.
    """
    espeak = library()
    raw = espeak.speak(text, speaker)
    if raw.size == 0:
        raise SynthesisError(f"espeak-ng gave no sound for {text!r}")
    resampled = soxr.resample(raw.astype(np.float32), espeak.rate_hz, SAMPLE_RATE)
    peak = float(np.abs(resampled).max())
    if peak > 0:
        resampled = resampled * (_PEAK / peak)
    samples: NDArray[np.int16] = np.rint(resampled).astype(np.int16)
    return samples
