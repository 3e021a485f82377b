"""Sizes of a streaming transducer with an Emformer as its encoder, and its layers (no tensorflow).

Emformer: Shi et al., 2021 (arXiv 2010.10759); the shape is that of torchaudio's
``emformer_rnnt_base``, without a memory bank, as there. A frame here is a joined one: some frames
of features side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.contract.network import SubModel
from harness.model.configuration import (
    FeatureSettings,
    Form,
    NetworkConfig,
    Problem,
    at_least_one,
)
from harness.model.layer import LayerSpec
from harness.model.transducer import weights as parts

if TYPE_CHECKING:
    from harness.model.layer import TrainableLayer, Variables
    from harness.model.network import Network

FRONT, ENCODED, PREDICTOR, JOINT = "Front", "Encoded", "Predictor", "Joint"

SLOTS = 2
"""Output frames for each label that a frame may write: the label, and a blank after it."""


@dataclass(frozen=True, kw_only=True)
class Transducer(NetworkConfig):
    """Everything that is fixed when a flatbuffer of a transducer is made."""

    family = "transducer"
    own_loss = "rnnt"

    reduced: int
    """Numbers that each frame of features is brought down to."""
    reduction: int = 4
    """Frames of features that are joined to one."""
    segment: int = 16
    """Frames of features that are heard at once."""
    right: int = 4
    """Frames of features after a segment that are waited for: the look-ahead."""
    left: int = 30
    """Joined frames before a segment that are attended to."""
    heads: int
    """Of attention, in each layer."""
    layers: int
    """Of the encoder."""
    feed_forward: int
    """Inner width of the feed-forward modules."""
    activation: Literal["gelu", "silu", "relu"] = "gelu"
    """Of the feed-forward modules; gelu is the one with tanh."""
    encoding: int
    """Numbers that encoder and predictor give the joint network."""
    embedding: int
    """Numbers a label."""
    cells: int
    """Of each LSTM layer of the predictor."""
    lstm_layers: int = 1
    labels_a_frame: int = 2
    """Most labels that a joined frame may write."""
    pieces: int = 0
    """Outputs if it tells so many word pieces apart, to count parameters by; a file is made with
    ``word_pieces``, which says them. 0: it has those."""
    clip: Literal["global", "layer"] = "layer"
    recompute: bool = True

    @property
    def outputs(self) -> int:
        """Outputs of the joint network: characters and the blank, or pieces."""
        return self.pieces or super().outputs

    @property
    def width(self) -> int:
        """Numbers a joined frame, between all layers of the encoder."""
        return self.reduced * self.reduction

    @property
    def frames(self) -> int:
        """Joined frames of a full-length utterance."""
        return -(-self.max_frames // self.reduction)

    @property
    def chunk(self) -> int:
        """Joined frames of a segment."""
        return self.segment // self.reduction

    @property
    def ahead(self) -> int:
        """Joined frames of the look-ahead."""
        return self.right // self.reduction

    @property
    def segments(self) -> int:
        """Segments of a full-length utterance."""
        return -(-self.frames // self.chunk)

    @property
    def time_stride(self) -> int:
        """Frames of features an output frame stands for (see ``SLOTS``)."""
        return self.reduction // (SLOTS * self.labels_a_frame)

    @property
    def summary(self) -> str:
        """The network in a few words."""
        return f"{self.layers} Emformer x {self.width}, {self.lstm_layers} LSTM, RNN-T"

    @property
    def chunk_frames(self) -> int:
        """Frames of features that a streaming encoder takes at once: a segment and its right."""
        return (self.chunk + self.ahead) * self.reduction

    def layer_specs(self) -> tuple[LayerSpec, ...]:
        """Return Front, L1 .. , Encoded, Predictor, Joint.

        Activations are what goes into a layer: the rest is made again on the way back.
        """
        rows = self.segments * (self.chunk + self.ahead)
        labels = self.max_label + 1
        within = [
            LayerSpec(f"L{n}", parts.block(self).stored(), rows * self.width)
            for n in range(1, self.layers + 1)
        ]
        return (
            LayerSpec(FRONT, parts.front(self), self.max_frames * self.features.mels),
            *within,
            LayerSpec(ENCODED, parts.encoded(self).stored(), rows * self.width),
            LayerSpec(PREDICTOR, parts.predictor(self).stored(), labels * self.outputs),
            LayerSpec(JOINT, parts.joint(self).stored(), self._lattice_numbers()),
        )

    def _lattice_numbers(self) -> int:
        """Return the numbers of the lattice that a training step holds: sums and logits."""
        nodes = self.frames * (self.max_label + 1)
        return nodes * (self.encoding + self.outputs)

    def sub_models(self) -> tuple[SubModel, ...]:
        """Return all, text, top (the encoder's upper half, and text), encoder.

        What costs memory is the gradient of the joint network, over the whole lattice.
        """
        within = tuple(f"L{n}" for n in range(1, self.layers + 1))
        text = (PREDICTOR, JOINT)
        upper = within[self.layers // 2 :]
        return (
            SubModel(name="all", layers=(FRONT, *within, ENCODED, *text)),
            SubModel(name="text", layers=text),
            SubModel(name="top", layers=(*upper, ENCODED, *text)),
            SubModel(name="encoder", layers=(FRONT, *within, ENCODED)),
        )

    def build_layers(self, variables: Variables, form: Form) -> list[TrainableLayer]:
        """Return the layers as they compute."""
        from harness.model.transducer.layers import build_layers

        return build_layers(self, variables, form)

    def network_class(self) -> type[Network]:
        """Return the network of an encoder, a predictor and a joint."""
        from harness.model.transducer.network import TransducerNetwork

        return TransducerNetwork

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the sizes beside their types."""
        yield from super().problems()
        yield from at_least_one(
            self,
            *("reduced", "reduction", "segment", "right", "left", "heads", "layers"),
            *("feed_forward", "encoding", "embedding", "cells", "lstm_layers", "labels_a_frame"),
        )
        if self.heads > 0 and self.width % self.heads:
            message = f"{self.heads} heads do not divide a width of {self.width}"
            yield Problem(("heads",), message, "The width is reduced times reduction.")
        if self.reduction < 1 or self.labels_a_frame < 1:
            return
        if self.reduction % (SLOTS * self.labels_a_frame):
            message = f"{self.labels_a_frame} labels a frame need a reduction that is a multiple of"
            yield Problem(("labels_a_frame",), f"{message} {SLOTS * self.labels_a_frame}")
        for name in ("segment", "right", "max_frames"):
            if getattr(self, name) % self.reduction:
                yield Problem(
                    (name,),
                    f"{getattr(self, name)} is no multiple of {self.reduction} (the reduction)",
                )
        if self.segment > self.max_frames:
            yield Problem(
                ("segment",),
                f"{self.segment} frames are more than the longest utterance has: {self.max_frames}",
            )
        if self.right > self.segment:
            yield Problem(("right",), f"looks {self.right} frames ahead, a segment has fewer")
        if self.pieces:
            yield Problem(
                ("pieces",),
                "a number of word pieces counts parameters: a file carries pieces, no number",
                "Leave pieces out; `harness model pretrain --pieces N` learns them.",
            )


MINI = Transducer(
    name="emformer-mini",
    batch_size=5,
    max_frames=320,
    max_label=80,
    reduced=24,
    heads=4,
    layers=4,
    feed_forward=256,
    activation="silu",
    encoding=96,
    embedding=32,
    cells=96,
    unroll=20,
    features=FeatureSettings(normalise="fixed"),
)
"""5 s of audio, joined frames of 64 ms, segments of 256 ms and 64 ms ahead."""

BASE = Transducer(
    name="emformer-base",
    batch_size=1,
    max_frames=1200,
    max_label=180,
    reduced=128,
    heads=8,
    layers=20,
    feed_forward=2048,
    encoding=1024,
    embedding=512,
    cells=512,
    lstm_layers=3,
    features=FeatureSettings(window=320, hop=160, normalise="fixed"),
)
"""torchaudio's ``emformer_rnnt_base``: 70,483,996 parameters with characters, 78,127,497 with the
5,001 outputs of arXiv 2407.16664."""

PRESETS = (MINI, BASE)
