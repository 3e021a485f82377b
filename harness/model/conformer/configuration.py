"""Sizes of a Conformer with early exits, and its layers (no tensorflow).

The network of Wright et al., arXiv 2309.09546 (and of their code): two convolutions over time, then
Conformer layers, and a linear CTC head after every few of them. Differences: layer normalisation
in the convolution module, as phones train with batches of one; sinusoids added once to the input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from harness.contract.network import Exit, SubModel, Switch
from harness.model.configuration import (
    FeatureSettings,
    Form,
    NetworkConfig,
    Problem,
    at_least_one,
)
from harness.model.conformer import weights as parts
from harness.model.initial import before_output
from harness.model.layer import LayerSpec, Weight

if TYPE_CHECKING:
    from harness.model.bench.reference import Reference
    from harness.model.initial import Weights
    from harness.model.layer import TrainableLayer, Variables
    from harness.model.network import Network
    from harness.pruning.cells import Group

FRONT = "Front"
TEXT = "Text"
"""The vectors of labels, which all decoders read."""
HALF = "half_"
"""Before the names of weights of a block at half the frame rate."""


@dataclass(frozen=True, kw_only=True)
class Conformer(NetworkConfig):
    """Everything that is fixed when a flatbuffer of a Conformer is made."""

    family = "conformer"
    formulations = frozenset({"plain", "tape", "apart"})
    rounds_products = True

    width: int
    """Numbers a frame, between all layers."""
    heads: int
    """Of attention, in each layer."""
    layers: int
    exits_after: tuple[int, ...]
    """Layers after which an exit stands, the last one among them."""
    feed_forward: int
    """Inner width of the feed-forward modules."""
    kernel: int
    """Frames of the depthwise convolution."""
    inner: tuple[int, ...] | None = None
    """Inner width of the feed-forward modules of each layer, where they differ."""
    strides: tuple[int, int] = (2, 1)
    """Of the two convolutions at the input, over time: 1 or 2 each."""
    halved: tuple[int, ...] = ()
    """Layers that have a second block beside them, which sees and gives every other frame
    (Splitformer, arXiv 2506.18035, has one beside all layers of its first and last segment)."""
    decoder_layers: int = 0
    """Of an attention decoder at each exit, which writes a text label by label, beside its CTC
    head; 0: there are none. Files train by the heads alone, and their decoders write; hosts train
    both (`harness model pretrain`)."""
    decoder_feed_forward: int = 0
    """Inner width of the decoders' feed-forward modules; 0: ``feed_forward``."""
    attention_share: float = 0.7
    """Of the cross-entropy of a decoder in the loss of its exit; the rest is the CTC loss's."""
    train_biases: bool = False
    """Whether files can train nothing but biases and the vectors of normalisations."""
    pieces: int = 0
    """Outputs of a head if it tells so many word pieces apart, to count parameters by; a file is
    made with ``word_pieces``, which says them. 0: it has those."""
    # What files of this family are made for: little memory, and one signature for all spans.
    clip: Literal["global", "layer"] = "layer"
    recompute: bool = True
    switched: bool = True

    @property
    def outputs(self) -> int:
        """Outputs of a head: characters and the blank, or pieces."""
        return self.pieces or super().outputs

    @property
    def inner_widths(self) -> tuple[int, ...]:
        """Inner width of the feed-forward modules, of each layer."""
        return self.inner or (self.feed_forward,) * self.layers

    @property
    def decoder_inner(self) -> int:
        """Inner width of the decoders' feed-forward modules."""
        return self.decoder_feed_forward or self.feed_forward

    @property
    def written(self) -> int:
        """Most labels that a decoder writes, and the end."""
        return self.max_label + 1

    @property
    def time_stride(self) -> int:
        """Input frames an output frame stands for."""
        return self.strides[0] * self.strides[1]

    @property
    def summary(self) -> str:
        """The network in a few words."""
        decoders = f", decoders of {self.decoder_layers}" if self.decoder_layers else ""
        return f"{self.layers} Conformer x {self.width}, {len(self.exits_after)} exits{decoders}"

    def layer_specs(self) -> tuple[LayerSpec, ...]:
        """Return Front, L1, L2, Head1, ... and, if it has decoders, Text, Decoder1, ...

        Activations are what goes into a layer: the rest is made again on the way back.
        """
        frames = self.output_frames
        front, head = parts.front(self), parts.head(self)
        specs = [LayerSpec(FRONT, front.stored(), self.max_frames * self.features.mels)]
        for n in range(1, self.layers + 1):
            block = parts.block(self, n)
            weights = block.stored()
            if n in self.halved:
                weights |= block.stored(HALF)
            specs.append(LayerSpec(f"L{n}", weights, frames * self.width))
            if n in self.exits_after:
                number = self.exits_after.index(n) + 1
                specs.append(LayerSpec(f"Head{number}", head.stored(), frames * self.outputs))
        return (*specs, *self._decoder_specs())

    def _decoder_specs(self) -> Iterator[LayerSpec]:
        if not self.decoder_layers:
            return
        embedding = {"embedding": Weight((1, self.outputs, self.width), before_output)}
        yield LayerSpec(TEXT, embedding, self.written * self.outputs)
        rows = self.output_frames + self.written
        for number in range(1, len(self.exits_after) + 1):
            yield LayerSpec(f"Decoder{number}", parts.decoder(self).stored(), rows * self.width)

    def exits(self) -> tuple[Exit, ...]:
        """Return exit1 .. exitK."""
        return tuple(
            Exit(
                name=f"exit{k}",
                depth=1 + after,
                head=(f"Head{k}",),
                decoder=(TEXT, f"Decoder{k}") if self.decoder_layers else (),
            )
            for k, after in enumerate(self.exits_after, 1)
        )

    def sub_models(self) -> tuple[SubModel, ...]:
        """Return all, from<k>, upto<k>, heads and, if asked for, biases.

        The order is that of measured needs: a span that goes down to the input needs what lies
        above it not even for its forward pass.
        """
        last = len(self.exits_after)
        spans = {"all": (1, last)}
        for k in range(2, last + 1):
            spans |= {f"from{k}": (k, last), f"upto{last + 1 - k}": (1, last + 1 - k)}
        found = [self._span(name, first, end) for name, (first, end) in spans.items()]
        if self.train_biases:
            everything = found[0]
            found.append(
                SubModel(
                    name="biases",
                    layers=everything.layers,
                    exits=everything.exits,
                    weights="biases",
                )
            )
        heads = self._span("heads", 1, last, heads_only=True)
        return (*found, heads)

    def _span(self, name: str, first: int, last: int, *, heads_only: bool = False) -> SubModel:
        """Return the sub-model of segments ``first`` to ``last``, counted from 1."""
        names: list[str] = []
        for k in range(first, last + 1):
            below = self.exits_after[k - 2] if k > 1 else 0
            if not heads_only:
                names += [FRONT] if k == 1 else []
                names += [f"L{n}" for n in range(below + 1, self.exits_after[k - 1] + 1)]
            names.append(f"Head{k}")
        return SubModel(
            name=name,
            layers=tuple(names),
            exits=tuple(f"exit{k}" for k in range(first, last + 1)),
            switch=Switch(first=first, last=last, heads_only=heads_only) if self.switched else None,
        )

    def unit_groups(self) -> tuple[Group, ...]:
        """Return the inner units of the feed-forward modules."""
        from harness.model.conformer.units import unit_groups

        return unit_groups(self)

    def with_units(self, units: Mapping[str, int]) -> Conformer:
        """Return the network with other numbers of inner units."""
        from harness.model.conformer.units import with_units

        return with_units(self, units)

    def build_layers(self, variables: Variables, form: Form) -> list[TrainableLayer]:
        """Return the layers as they compute."""
        from harness.model.conformer.layers import build_layers

        del form
        return build_layers(self, variables)

    def network_class(self) -> type[Network]:
        """Return the network of heads, or that of heads and decoders."""
        if not self.decoder_layers:
            return super().network_class()
        from harness.model.conformer.attention import AttentionNetwork

        return AttentionNetwork

    def reference(self, formulation: str, weights: Weights, trained: Collection[str]) -> Reference:
        """Return the network in plain tensorflow."""
        from harness.model.conformer.reference import reference

        return reference(self, formulation, weights, trained)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the sizes beside their types."""
        yield from at_least_one(self, "layers")
        yield from self._problems_of_exits()  # without exits, what follows would blame others
        yield from super().problems()
        yield from at_least_one(self, "width", "heads", "feed_forward", "kernel")
        if self.inner is not None and (len(self.inner) != self.layers or min(self.inner) < 1):
            yield Problem(("inner",), f"must be {self.layers} numbers of 1 or more, one a layer")
        if self.decoder_layers < 0 or self.decoder_feed_forward < 0:
            name = "decoder_layers" if self.decoder_layers < 0 else "decoder_feed_forward"
            yield Problem((name,), "must be 0 or more")
        if not 0 <= self.attention_share <= 1:
            yield Problem(("attention_share",), "must be 0 to 1")
        if self.heads > 0 and self.width % self.heads:
            message = f"{self.heads} heads do not divide a width of {self.width}"
            yield Problem(("heads",), message)
        if self.width % 2:
            yield Problem(("width",), "must be even: half are sines, half cosines")
        if any(stride not in (1, 2) for stride in self.strides):
            yield Problem(("strides",), "must be 1 or 2 each")
            return
        yield from self._problems_of_length()
        if self.pieces:
            yield Problem(
                ("pieces",),
                "a number of word pieces counts parameters: a file carries pieces, no number",
                "Leave pieces out; `harness model pretrain --pieces N` learns them.",
            )

    def _problems_of_length(self) -> Iterator[Problem]:
        multiple = self.time_stride * (2 if self.halved else 1)
        if self.max_frames % multiple:
            above = -(-self.max_frames // multiple) * multiple
            also = ", twice that beside halved layers" if self.halved else ""
            yield Problem(
                ("max_frames",),
                f"{self.max_frames} is no multiple of {multiple} (the strides{also})",
                f"Write {above}.",
            )
        elif self.max_label > self.output_frames:
            yield Problem(
                ("max_label",),
                f"{self.max_label} characters do not fit into {self.output_frames} output frames "
                f"({self.max_frames} at stride {self.time_stride})",
                "Raise max_frames, lower max_label or the strides.",
            )

    def _problems_of_exits(self) -> Iterator[Problem]:
        exits = self.exits_after
        if list(exits) != sorted(set(exits)) or not exits or exits[0] < 1:
            yield Problem(("exits_after",), "must be layers from 1 on, in order, at least one")
        elif exits[-1] > self.layers:
            message = f"there is no layer {exits[-1]}: the network has {self.layers}"
            yield Problem(("exits_after",), message)
        elif exits[-1] < self.layers:
            message = f"the last exit must stand after layer {self.layers}, which is the last"
            yield Problem(("exits_after",), message, "What lies above it would never be trained.")
        for n in self.halved:
            if not 1 <= n <= self.layers:
                message = f"there is no layer {n}: the network has {self.layers}"
                yield Problem(("halved",), message)


MINI = Conformer(
    name="conformer-mini",
    batch_size=5,
    max_frames=320,
    max_label=80,
    width=64,
    heads=4,
    layers=6,
    exits_after=(2, 4, 6),
    feed_forward=256,
    kernel=15,
    unroll=20,
    train_biases=True,
)
"""0.6 M parameters, 5 s of audio, an output frame of 32 ms: at 64 ms characters do not fit."""

MINI_AED = replace(MINI, name="conformer-mini-aed", decoder_layers=1)
"""With a decoder of one layer at each exit; 0.2 M parameters more."""

PAPER = Conformer(
    name="conformer-ee",
    batch_size=5,
    max_frames=1200,
    max_label=180,
    width=256,
    heads=8,
    layers=12,
    exits_after=(2, 4, 6, 8, 10, 12),
    feed_forward=2048,
    kernel=31,
    strides=(2, 2),
    features=FeatureSettings(window=320, hop=160),
    unroll=25,
)
"""31,184,552 parameters; 31,536,128 with the paper's 256 pieces a head (12 s, frames of 40 ms)."""

PAPER_AED = replace(PAPER, name="conformer-ee-aed", decoder_layers=4)
"""The paper's Conformer-AED: 69,889,536 parameters with 256 pieces. The authors' decoders share
their last norm, which makes 2,560 fewer."""

SPLITFORMER = replace(PAPER, name="splitformer", halved=(2, 12))
"""36,331,688 parameters; 36,683,264 with 256 pieces a head. The half-rate block stands beside the
last layer before the first and the last exit, where the authors' stands beside both layers."""

PRESETS = (MINI, MINI_AED, PAPER, PAPER_AED, SPLITFORMER)
