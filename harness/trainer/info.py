"""What is fixed in a flatbuffer: its signatures, and the sizes that ``info`` tells (no LiteRT)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.contract.job import SUB_MODELS
from harness.errors import InputError

FORMAT = 1
"""The version of the signatures that this module speaks."""

_LAYERS = ("CONV1", "CONV2", "CONV3", "BLSTM1", "BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2")

_NEEDED = frozenset({"features", "infer", "loss", "get_weights", "set_weights", "info"})
_INFO = (
    *("format", "batch_size", "max_frames", "max_label", "alphabet", "blank", "sample_rate"),
    *("window", "hop", "time_stride", "layers", "sub_models", "weights_included"),
)


@dataclass(frozen=True)
class ModelInfo:
    """What is fixed in a flatbuffer."""

    batch_size: int
    max_frames: int
    max_label: int
    alphabet: str
    """Characters in the order of the outputs, the blank left out."""
    blank: int
    sample_rate: int
    window: int
    hop: int
    time_stride: int
    """Frames of features an output frame stands for."""
    layer_parameters: dict[str, int]
    sub_model_parameters: dict[str, int]

    @cached_property
    def max_samples(self) -> int:
        """Samples of the longest utterance."""
        return self.window + (self.max_frames - 1) * self.hop

    @cached_property
    def max_audio_s(self) -> float:
        """Seconds of the longest utterance."""
        return self.max_samples / self.sample_rate

    def output_frames(self, frames: int) -> int:
        """Return the output frames of an utterance of ``frames`` frames of features."""
        return -(-frames // self.time_stride)


def check_signatures(names: set[str], path: Path) -> None:
    """Check that a file has what every model must have.

    Raises:
        InputError: It lacks signatures.
    """
    if not names >= _NEEDED:
        missing = ", ".join(sorted(_NEEDED - names))
        raise InputError(
            f"the model lacks the signatures {missing}",
            where=str(path),
            hint="It is no trainable model of this project: 'harness model build' makes one.",
        )


def model_info(values: dict[str, Any], path: Path) -> ModelInfo:
    """Return what the signature ``info`` said.

    Args:
        values: Its outputs.
        path: Of the file, for the message.

    Raises:
        InputError: Another version of the signatures.
    """

    def number(name: str) -> int:
        return int(values[name])

    missing = [name for name in _INFO if name not in values]
    if missing:
        raise InputError(f"its signature info does not say {missing[0]}", where=str(path))
    if number("format") != FORMAT:
        raise InputError(
            f"signatures of format {number('format')}; this trainer speaks {FORMAT}",
            where=str(path),
            hint="Make the file anew with 'harness model build' of this version.",
        )
    return ModelInfo(
        batch_size=number("batch_size"),
        max_frames=number("max_frames"),
        max_label=number("max_label"),
        alphabet="".join(chr(int(c)) for c in values["alphabet"]),
        blank=number("blank"),
        sample_rate=number("sample_rate"),
        window=number("window"),
        hop=number("hop"),
        time_stride=number("time_stride"),
        layer_parameters={n: int(v) for n, v in zip(_LAYERS, values["layers"], strict=True)},
        sub_model_parameters={
            n: int(v) for n, v in zip(SUB_MODELS, values["sub_models"], strict=True)
        },
    )
