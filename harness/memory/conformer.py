"""Parameters of the Conformer with early exits of arXiv 2309.09546, counted (pure).

Its public code (augustgw/early-exit-transformer) takes torchaudio's Conformer layers; the shape is
the code's, the printed totals are those of Splitformer's model card (31.5 and 36.7 M).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConformerSizes:
    """A Conformer encoder whose exits are linear heads.

    Attributes:
        width: Of a layer.
        inner: Of its two feed-forward modules.
        kernel: Of its depthwise convolution, frames.
        features: Of a frame.
        pieces: Outputs of a head, the blank among them.
        layers: From input to output.
        exits: After which layers, the last one among them.
        beside: Layers that run beside the others, as Splitformer has them.
    """

    width: int = 256
    inner: int = 2048
    kernel: int = 31
    features: int = 80
    pieces: int = 256
    layers: int = 12
    exits: tuple[int, ...] = (2, 4, 6, 8, 10, 12)
    beside: int = 0

    @property
    def front(self) -> int:
        """Two convolutions over 3 frames."""
        return 3 * (self.features + self.width) * self.width + 2 * self.width

    @property
    def layer(self) -> int:
        """Two feed-forward modules, attention, convolution, and a normalisation at the end."""
        width, inner = self.width, self.inner
        norm = 2 * width
        forward = norm + 2 * width * inner + inner + width
        attention = norm + 4 * (width * width + width)
        # pointwise to twice the width, depthwise, batch normalisation, pointwise back
        convolution = norm + 2 * width * (width + 1) + width * (self.kernel + 1)
        convolution += norm + width * (width + 1)
        return 2 * forward + attention + convolution + norm

    @property
    def head(self) -> int:
        """One exit's."""
        return (self.width + 1) * self.pieces

    @property
    def total(self) -> int:
        """Of the whole network."""
        layers = self.layers + self.beside
        return self.front + layers * self.layer + len(self.exits) * self.head

    def to_run(self, exit_layer: int) -> int:
        """Return what is needed for the answer of one exit: no other head is."""
        return self.front + exit_layer * self.layer + self.head


EARLY_EXIT = ConformerSizes()
"""31,536,128 parameters."""
SPLITFORMER = ConformerSizes(beside=2)
"""36,683,264 parameters."""
