"""Products of whole numbers in the forward pass, as a network computes them in float32.

What goes into a product with a weight, and the weight, are rounded to whole numbers times a scale
(FedAQT, doi 10.1109/ICASSP48485.2024.10445824: ``y = (q_x @ q_w) * s_x * s_w``). The backward pass
is in float32, with the rounded numbers, as if nothing had been rounded (straight through; Bengio et
al., 2013, arXiv 1308.3432): no number is cut, since a scale is that of the largest one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from harness.model.tensors import Tensor

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig

_TINY = 1e-30
_MATRIX_AXES = 3
"""Up to so many axes a weight is a stack of matrices, as on the wire; more are a kernel."""


@dataclass(frozen=True)
class Grid:
    """Whole numbers from ``-most`` to ``most`` times a scale, rounded half to even."""

    most: int
    by_column: bool = True
    """A scale for each output unit of a weight's matrix; else one for the whole weight."""

    @staticmethod
    def of(config: NetworkConfig) -> Grid | None:
        """Return the grid of a network's products; None: they are float32."""
        if config.forward == "float32":
            return None
        bits = int(config.forward.removeprefix("int"))
        return Grid(2 ** (bits - 1) - 1, config.forward_per == "column")

    def weight(self, value: Tensor) -> Tensor:
        """Round a weight [.., inputs, outputs]."""
        axes = None
        if self.by_column:
            kernel = len(value.shape) > _MATRIX_AXES
            axes = list(range(len(value.shape) - 1)) if kernel else [-2]
        return self._rounded(value, axes)

    def signal(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """Round what goes into a product, all of it by one scale.

        Args:
            x: Any shape.
            inside: 1 within each utterance, 0 elsewhere, broadcast against it: what lies past an
                utterance is arbitrary and has no say in the scale. None: it is 0 there.
        """
        return _straight(x, lambda x: self._rounded(x, None, inside))

    def bounded(self, x: Tensor) -> Tensor:
        """Round numbers that never leave -1 to 1, by a scale that is known: for time loops."""
        return _straight(x, lambda x: tf.round(x * float(self.most)) * (1.0 / self.most))

    def _rounded(
        self, value: Tensor, axes: list[int] | None, inside: Tensor | None = None
    ) -> Tensor:
        size = tf.abs(value) if inside is None else tf.abs(value) * inside
        most = tf.reduce_max(size, axes, keepdims=axes is not None)
        scale = tf.maximum(most, _TINY) * (1.0 / self.most)
        return tf.round(value / scale) * scale


def _straight(x: Tensor, rounded: Callable[[Tensor], Tensor]) -> Tensor:
    @tf.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def through(x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        return rounded(x), lambda dy: dy

    return through(x)
