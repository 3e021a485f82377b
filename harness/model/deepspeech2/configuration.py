"""Sizes of DeepSpeech2, its layers and how many parameters they have (no tensorflow).

The shape is DeepSpeech2 as MobileASR uses it: 3 CONV, 4 bidirectional LSTM, 2 FC, one output a
character and one for the CTC blank. ``PAPER`` has exactly the parameters of the paper's tables.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from harness.contract import mobileasr
from harness.contract.network import Exit, SubModel, Switch
from harness.model.configuration import Form, NetworkConfig, Problem, at_least_one
from harness.model.initial import (
    before_output,
    before_relu,
    lstm_bias,
    lstm_input,
    lstm_recurrent,
    ones,
    zeros,
)
from harness.model.layer import LayerSpec, Weight

if TYPE_CHECKING:
    from harness.model.bench.reference import Reference
    from harness.model.initial import Weights
    from harness.model.layer import TrainableLayer, Variables
    from harness.pruning.cells import Group

CONVOLUTIONS = mobileasr.LAYERS[:3]
BLSTMS = mobileasr.LAYERS[3:7]
HIDDEN_DENSE, OUTPUT = mobileasr.LAYERS[7:]
HEADS = tuple(f"Head{n + 1}" for n in range(len(BLSTMS) - 1))
_ORDER = (*("all", "upto3", "upto2", "upto1", "from2", "from3", "from4", "biases", "heads"),)
"""Sub-models of a network with exits, from the largest need to the smallest, as the manifest of
``ds2-mini-ee`` has them."""


@dataclass(frozen=True)
class Convolution:
    """One CONV layer: kernel and stride as (time, frequency)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    channels: int
    bias: bool = False


@dataclass(frozen=True, kw_only=True)
class DeepSpeech2(NetworkConfig):
    """Everything that is fixed when a flatbuffer of DeepSpeech2 is made."""

    family = mobileasr.FAMILY
    formulations = frozenset({"plain", "tape", "apart", "joint", "keras"})
    rounds_products = True

    convolutions: tuple[Convolution, Convolution, Convolution]
    hidden: int
    """Cells a direction in each BLSTM."""
    dense: int
    cells: tuple[int, int, int, int] | None = None
    """Cells a direction of each BLSTM, where they differ; None: ``hidden`` in all."""
    frequency_padding: str = "same"
    """``same`` or ``valid``, of all CONV layers along frequency; time is always ``same``."""
    input_norm: bool = False
    """Batch normalisation (1 channel) of the features."""
    early_exits: bool = False
    """An exit after each BLSTM: a matrix to the outputs, after the last of them FC1 and FC2."""

    @property
    def time_stride(self) -> int:
        """Input frames an output frame stands for."""
        return math.prod(c.stride[0] for c in self.convolutions)

    @property
    def summary(self) -> str:
        """The network in a few words."""
        cells = self.blstm_cells if self.cells else (self.hidden,)
        exits = f", {len(BLSTMS)} exits" if self.early_exits else ""
        return f"3 CONV, 4 BLSTM x {' '.join(map(str, cells))}, 2 FC{exits}"

    @property
    def blstm_cells(self) -> tuple[int, int, int, int]:
        """Cells a direction, by BLSTM."""
        return self.cells or (self.hidden,) * 4

    def conv_shapes(self) -> list[tuple[int, int, int]]:
        """Return (time, frequency, channels) before, between and after the CONV layers."""
        shapes = [(self.max_frames, self.features.mels, 1)]
        for c in self.convolutions:
            time, frequency, _ = shapes[-1]
            wide = frequency if self.frequency_padding == "same" else frequency - c.kernel[1] + 1
            shapes.append((-(-time // c.stride[0]), -(-wide // c.stride[1]), c.channels))
        return shapes

    def layer_specs(self) -> tuple[LayerSpec, ...]:
        """Return CONV1 .. FC2, with a head after each BLSTM but the last if it has exits.

        Activations are what a layer gives on to the next, as the paper counts them: [T, F, C] of a
        CONV, [T, 2 x hidden] of a BLSTM, [T, units] of an FC layer.
        """
        blstms = [
            spec
            for blstm, head in zip_longest(self._blstm_specs(), self._head_specs())
            for spec in (blstm, head)
            if spec is not None
        ]
        return (*self._conv_specs(), *blstms, *self._dense_specs())

    def exits(self) -> tuple[Exit, ...]:
        """Return exit1 .. exit4, if it has exits."""
        if not self.early_exits:
            return ()
        heads = [*((name,) for name in HEADS), (HIDDEN_DENSE, OUTPUT)]
        lowest = len(CONVOLUTIONS) + 1
        return tuple(
            Exit(name=f"exit{n + 1}", depth=lowest + n, head=head) for n, head in enumerate(heads)
        )

    def sub_models(self) -> tuple[SubModel, ...]:
        """Return S1 .. S8, each trains from one layer to the end; of exits, spans of segments."""
        if self.early_exits:
            return self._spans()
        parameters = {spec.name: spec.parameters for spec in self.layer_specs()}
        return mobileasr.network(parameters, self.alphabet).sub_models

    def build_layers(self, variables: Variables, form: Form) -> list[TrainableLayer]:
        """Return the layers as they compute."""
        from harness.model.deepspeech2.layers import build_layers

        return build_layers(self, variables, form)

    def unit_groups(self) -> tuple[Group, ...]:
        """Return CONV channels, cells of each direction, and units of FC1."""
        from harness.model.deepspeech2.units import unit_groups

        return unit_groups(self)

    def with_units(self, units: Mapping[str, int]) -> DeepSpeech2:
        """Return the network with other numbers of units in its layers."""
        from harness.model.deepspeech2.units import with_units

        return with_units(self, units)

    def reference(self, formulation: str, weights: Weights, trained: Collection[str]) -> Reference:
        """Return the network in plain tensorflow, or in Keras (which has no exits).

        With exits, ``trained`` says by its heads which losses count.
        """
        if self.early_exits and formulation == "keras":
            return super().reference(formulation, weights, trained)
        from harness.model.deepspeech2.reference.contestants import reference

        return reference(self, formulation, weights, trained)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the sizes beside their types."""
        yield from super().problems()
        yield from at_least_one(self, "hidden", "dense")
        if min(self.blstm_cells) < 1:
            yield Problem(("cells",), "must be four numbers of 1 or more")
        if self.frequency_padding not in ("same", "valid"):
            yield Problem(("frequency_padding",), "must be same or valid")
        for n, conv in enumerate(self.convolutions):
            place = ("convolutions", n)
            for field in ("kernel", "stride"):
                if min(getattr(conv, field)) < 1:
                    yield Problem((*place, field), "must be two numbers of 1 or more")
            yield from at_least_one(conv, "channels", inside=place)
        if any(shape[1] < 1 for shape in self.conv_shapes()):
            yield Problem(
                ("convolutions",),
                f"no frequency is left of {self.features.mels} mel bands",
                "Use smaller kernels, or frequency_padding: same.",
            )

    def _spans(self) -> tuple[SubModel, ...]:
        """Return the sub-models of a network with exits, in the order of what they need."""
        names = [spec.name for spec in self.layer_specs()]
        exits = [exit_.name for exit_ in self.exits()]
        last = len(exits)
        starts = [0, *(names.index(name) for name in BLSTMS[1:]), len(names)]
        spans = {"all": (1, last)}
        spans |= {f"upto{k}": (1, k) for k in reversed(range(1, last))}
        spans |= {f"from{k}": (k, last) for k in range(2, last + 1)}
        sub_models = {
            name: SubModel(
                name=name,
                layers=tuple(names[starts[low - 1] : starts[high]]),
                exits=tuple(exits[low - 1 : high]),
                switch=Switch(first=low, last=high) if self.switched else None,
            )
            for name, (low, high) in spans.items()
        }
        sub_models["heads"] = SubModel(
            name="heads",
            layers=(*HEADS, HIDDEN_DENSE, OUTPUT),
            exits=tuple(exits),
            switch=Switch(first=1, last=last, heads_only=True) if self.switched else None,
        )
        sub_models["biases"] = SubModel(
            name="biases", layers=tuple(names), exits=tuple(exits), weights="biases"
        )
        return tuple(sub_models[name] for name in _ORDER)

    def _conv_specs(self) -> Iterator[LayerSpec]:
        shapes = self.conv_shapes()
        for n, (name, conv) in enumerate(zip(CONVOLUTIONS, self.convolutions, strict=True)):
            weights = _norm("input_", 1) if n == 0 and self.input_norm else {}
            kernel = (*conv.kernel, shapes[n][2], conv.channels)
            weights["kernel"] = Weight(kernel, before_relu)
            if conv.bias:
                weights["bias"] = Weight((conv.channels,), zeros)
            weights |= _norm("", conv.channels)
            yield LayerSpec(name, weights, math.prod(shapes[n + 1]))

    def _blstm_specs(self) -> Iterator[LayerSpec]:
        _, frequencies, channels = self.conv_shapes()[-1]
        width = frequencies * channels
        for name, h in zip(BLSTMS, self.blstm_cells, strict=True):
            weights = {
                "input": Weight((2, width, 4 * h), lstm_input),
                "recurrent": Weight((2, h, 4 * h), lstm_recurrent),
                "bias": Weight((2, 1, 4 * h), lstm_bias, bias=True),
            }
            width = 2 * h
            if name == BLSTMS[-1]:
                weights |= _norm("", width)
            yield LayerSpec(name, weights, self.output_frames * width)

    def _head_specs(self) -> Iterator[LayerSpec]:
        for name, cells in zip(HEADS if self.early_exits else (), self.blstm_cells, strict=False):
            shape = (2 * cells, self.outputs)
            weights = {"kernel": Weight(shape, before_output), "bias": Weight(shape[1:], zeros)}
            yield LayerSpec(name, weights, self.output_frames * self.outputs)

    def _dense_specs(self) -> Iterator[LayerSpec]:
        hidden, outputs = (2 * self.blstm_cells[-1], self.dense), (self.dense, self.outputs)
        for name, shape, first in (
            (HIDDEN_DENSE, hidden, before_relu),
            (OUTPUT, outputs, before_output),
        ):
            weights = {"kernel": Weight(shape, first), "bias": Weight(shape[1:], zeros)}
            yield LayerSpec(name, weights, self.output_frames * shape[1])


def _norm(prefix: str, channels: int) -> dict[str, Weight]:
    """Return the weights of a batch normalisation; its moving statistics are not trained."""
    shape = (channels,)
    return {
        f"{prefix}gamma": Weight(shape, ones),
        f"{prefix}beta": Weight(shape, zeros),
        f"moving_{prefix}mean": Weight(shape, zeros, trained=False),
        f"moving_{prefix}variance": Weight(shape, ones, trained=False),
    }


PAPER = DeepSpeech2(
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

MINI = DeepSpeech2(
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

TINY = DeepSpeech2(
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

MINI_EE = replace(MINI, name="ds2-mini-ee", early_exits=True, switched=True, clip="layer")
"""``ds2-mini`` with an exit after each BLSTM; the heads have 7,196 parameters each."""

PRESETS = (PAPER, MINI, TINY, MINI_EE)
