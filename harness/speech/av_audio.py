"""Recordings that libsndfile does not read: what phones record (.m4a, .amr, .3gp, .webm).

They are decoded by PyAV (FFmpeg in a wheel), the extra ``[m4a]``. Without it each is refused with
the command that converts it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.errors import InputError

SUFFIXES: Final = (
    *(".m4a", ".mp4", ".m4b", ".aac", ".amr", ".3gp", ".3ga", ".wma", ".webm", ".mka", ".ape"),
)
"""Names of files that hold sound and need PyAV."""
RATE: Final = 48_000
"""Hz that they are decoded at; from there on they are resampled like any other."""


def is_there() -> bool:
    """Tell whether PyAV is installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def decoded(path: Path) -> tuple[int, Iterator[NDArray[np.float64]]]:
    """Return the rate in Hz and blocks [frames, 1] of a recording's first sound track.

    Raises:
        InputError: PyAV is not installed, or cannot read it.
    """
    try:
        import av
    except ImportError:
        raise InputError(
            f"{path.suffix} files cannot be read here",
            where=str(path),
            hint="Install the extra [m4a] (in a checkout: pip install -e '.[m4a]'), or convert it: "
            f"ffmpeg -i {quote(path.name)} {quote(path.stem)}.wav",
        ) from None
    return RATE, _blocks(av, path)


def _blocks(av: Any, path: Path) -> Iterator[NDArray[np.float64]]:
    try:
        with path.open("rb") as file, av.open(file) as container:
            if not container.streams.audio:
                raise InputError("holds no sound track", where=str(path))
            track = container.streams.audio[0]
            seconds = float(track.duration * track.time_base) if track.duration else None
            resampler = av.AudioResampler(format="dbl", layout="mono", rate=RATE)
            decoded = 0
            for frame in itertools.chain(container.decode(track), [None]):
                for block in resampler.resample(frame):
                    samples = block.to_ndarray().reshape(-1, 1)
                    decoded += len(samples)
                    yield samples
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"cannot be read as a recording: {error}",
            where=str(path),
            hint="Copy or record it again.",
        ) from error
    # an encoder's own padding is left out by some: a tenth of a second is no cut
    if seconds is not None and decoded / RATE < seconds - 0.1:
        raise InputError("is cut off", where=str(path), hint="Copy or record it again.")
