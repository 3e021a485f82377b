"""Sizes of the network and of its features, and how many parameters they make (no tensorflow).

The shape is DeepSpeech2 as MobileASR uses it: 3 CONV, 4 bidirectional LSTM, 2 FC, one output a
character and one for the CTC blank. ``PAPER`` has exactly the parameters of the paper's tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

LAYERS = ("CONV1", "CONV2", "CONV3", "BLSTM1", "BLSTM2", "BLSTM3", "BLSTM4", "FC1", "FC2")
"""From the microphone to the text. FC2 is never trained alone, so there are 8 sub-models."""

SUB_MODELS = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
BLANK = 0
"""Output 0 is the CTC blank; output i > 0 is ``ALPHABET[i - 1]``."""

NO_LAYER = len(LAYERS)
"""As index of the first trained layer: nothing is trained."""


def steps_per_block(steps: int, at_most: int) -> int:
    """Return the largest divisor of ``steps`` that is not above ``at_most``.

    A time loop runs that many steps in a block.
    """
    return max(k for k in range(1, min(at_most, steps) + 1) if steps % k == 0)


def first_layer(sub_model: str) -> int:
    """Return the index in ``LAYERS`` of the first layer that ``sub_model`` trains.

    Raises:
        ValueError: No such sub-model.
    """
    if sub_model not in SUB_MODELS:
        raise ValueError(f"no sub-model {sub_model!r}; there are {', '.join(SUB_MODELS)}")
    return SUB_MODELS.index(sub_model)


@dataclass(frozen=True)
class FeatureSettings:
    """Log-mel settings; lengths in samples, frequencies in Hz."""

    sample_rate: int = 16_000
    window: int = 512
    hop: int = 256
    fft: int = 1024
    """Longer than the window (zero padded): 80 mel filters need bins narrower than 31 Hz."""
    mels: int = 80
    low_hz: float = 40.0
    high_hz: float = 7600.0
    floor: float = 1e-2
    """Added before the logarithm, relative to an utterance of RMS 1."""

    def samples(self, frames: int) -> int:
        """Return the samples that ``frames`` whole windows cover."""
        return self.window + (frames - 1) * self.hop


@dataclass(frozen=True)
class Convolution:
    """One CONV layer: kernel and stride as (time, frequency)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    channels: int
    bias: bool = False


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that is fixed when a flatbuffer is made."""

    name: str
    batch_size: int
    max_frames: int
    max_label: int
    convolutions: tuple[Convolution, Convolution, Convolution]
    hidden: int
    """Cells a direction in each BLSTM."""
    dense: int
    frequency_padding: str = "same"
    """``same`` or ``valid``, of all CONV layers along frequency; time is always ``same``."""
    input_norm: bool = False
    """Batch normalisation (1 channel) of the features."""
    unroll: int = 40
    """At most this many time steps in one block of a time loop."""
    clip_norm: float = 5.0
    features: FeatureSettings = field(default_factory=FeatureSettings)

    @property
    def outputs(self) -> int:
        """Characters and the blank."""
        return len(ALPHABET) + 1

    @property
    def time_stride(self) -> int:
        """Input frames an output frame stands for."""
        return math.prod(c.stride[0] for c in self.convolutions)

    def conv_shapes(self) -> list[tuple[int, int, int]]:
        """Return (time, frequency, channels) before, between and after the CONV layers."""
        shapes = [(self.max_frames, self.features.mels, 1)]
        for c in self.convolutions:
            time, frequency, _ = shapes[-1]
            wide = frequency if self.frequency_padding == "same" else frequency - c.kernel[1] + 1
            shapes.append((-(-time // c.stride[0]), -(-wide // c.stride[1]), c.channels))
        return shapes

    @property
    def output_frames(self) -> int:
        """Output frames of a full-length utterance."""
        return self.conv_shapes()[-1][0]

    def with_batch(self, batch_size: int) -> NetworkConfig:
        """Return the same network for another batch size."""
        return replace(self, batch_size=batch_size)


Shapes = dict[str, dict[str, tuple[int, ...]]]


def weight_shapes(config: NetworkConfig) -> Shapes:
    """Return the shape of every weight by layer and name.

    Names that begin with ``moving_`` are statistics of batch normalisation: stored, not trained.
    """
    shapes: Shapes = {}
    conv_shapes = config.conv_shapes()
    for n, c in enumerate(config.convolutions):
        layer: dict[str, tuple[int, ...]] = {}
        if n == 0 and config.input_norm:
            layer |= _norm("input_", 1)
        layer["kernel"] = (*c.kernel, conv_shapes[n][2], c.channels)
        if c.bias:
            layer["bias"] = (c.channels,)
        shapes[f"CONV{n + 1}"] = layer | _norm("", c.channels)
    width = conv_shapes[-1][1] * conv_shapes[-1][2]
    h = config.hidden
    for n in range(4):
        layer = {"input": (2, width, 4 * h), "recurrent": (2, h, 4 * h), "bias": (2, 1, 4 * h)}
        width = 2 * h
        shapes[f"BLSTM{n + 1}"] = layer | (_norm("", width) if n == 3 else {})
    shapes["FC1"] = {"kernel": (width, config.dense), "bias": (config.dense,)}
    shapes["FC2"] = {"kernel": (config.dense, config.outputs), "bias": (config.outputs,)}
    return shapes


def _norm(prefix: str, channels: int) -> dict[str, tuple[int, ...]]:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {
        f"moving_{prefix}{n[7:]}" if n.startswith("moving_") else f"{prefix}{n}": (channels,)
        for n in names
    }


def is_trainable(name: str) -> bool:
    """Tell whether a weight of this name is trained (all but moving statistics)."""
    return not name.startswith("moving_")


def layer_parameters(config: NetworkConfig, *, trainable: bool = True) -> dict[str, int]:
    """Return the trainable parameters (or, if not ``trainable``, the statistics) by layer."""
    return {
        layer: sum(math.prod(s) for n, s in names.items() if is_trainable(n) == trainable)
        for layer, names in weight_shapes(config).items()
    }


def sub_model_parameters(config: NetworkConfig) -> dict[str, int]:
    """Return the trainable parameters of S1 .. S8."""
    counts = [layer_parameters(config)[layer] for layer in LAYERS]
    return {s: sum(counts[first_layer(s) :]) for s in SUB_MODELS}


PAPER = NetworkConfig(
    name="ds2",
    batch_size=5,
    max_frames=750,
    max_label=180,
    convolutions=(
        Convolution((15, 7), (2, 1), 16, bias=True),
        Convolution((10, 10), (1, 1), 16),
        Convolution((9, 4), (1, 1), 32),
    ),
    hidden=512,
    dense=1024,
    frequency_padding="valid",
    input_norm=True,
    unroll=25,
)
"""30,240,574 trainable parameters, S5 19,967,004, S8 1,078,300, 62 x 32 = 1984 CONV features.

The paper does not print its CONV kernels; these give its 45.73k, its 1984 (Table 1), and the 30.21M
and 0.9991 of S3 (Tables 4 and 5).
"""

MINI = NetworkConfig(
    name="ds2-mini",
    batch_size=5,
    max_frames=320,
    max_label=80,
    convolutions=(
        Convolution((3, 7), (2, 1), 16),
        Convolution((3, 7), (1, 2), 16),
        Convolution((3, 7), (1, 2), 16),
    ),
    hidden=128,
    dense=256,
    unroll=16,
)
"""The shipped baseline: the same shape with 1.7 M parameters, 5 s of audio."""

TINY = NetworkConfig(
    name="ds2-tiny",
    batch_size=2,
    max_frames=320,
    max_label=80,
    convolutions=(
        Convolution((3, 7), (2, 2), 4),
        Convolution((3, 5), (1, 2), 4),
        Convolution((3, 3), (1, 2), 8),
    ),
    hidden=16,
    dense=32,
    unroll=16,
)
"""For tests: trains in milliseconds, hears nothing."""

CONFIGS = {c.name: c for c in (PAPER, MINI, TINY)}
