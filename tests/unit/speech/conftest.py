"""Recordings as people have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Maker = Callable[..., Path]


@pytest.fixture
def record() -> Maker:
    """A function that writes a recording: a tone whose pitch is its own."""

    def make(
        path: Path,
        *,
        hz: float = 440.0,
        seconds: float = 0.5,
        rate: int = 16_000,
        channels: int = 1,
        subtype: str | None = "PCM_16",
        loud: float = 0.5,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = loud * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
        soundfile.write(path, np.stack([tone] * channels, axis=1), rate, subtype=subtype)
        return path

    return make
