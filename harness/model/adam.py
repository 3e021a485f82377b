"""Adam with clipping of the global norm, or of each layer's, on resource variables.

Kingma and Ba, 2015, in the order of the end of their section 2 (as Keras has it): epsilon stands
beside the square root of the second moment before its bias is corrected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import tensorflow as tf

from harness.model.network import Network
from harness.model.optimiser import Optimiser, Spot, Whole, blocks_of
from harness.model.resident.codings import Coding, Codings
from harness.model.resident.rounding import Rounding
from harness.model.resident.variable import Block, EncodedVariable
from harness.model.tensors import Tensor

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7
_FIRST_TURN, _SECOND_TURN = 1 / 3, 2 / 3
"""Of the lots of a block's moments against those of its weights."""


class Adam(Optimiser):
    """First and second moments of every trainable weight, and the step count.

    Args:
        weights: Trainable variables by full name.
        rounding: Of the encoded ones; None: there are none.
        codings: How moments of encoded weights are held.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        rounding: Rounding | None = None,
        codings: Codings | None = None,
    ) -> None:
        first, second = (codings.first, codings.second) if codings else (None, None)
        self.first = {n: _zeros(w, f"adam_m_{n}", first) for n, w in weights.items()}
        self.second = {n: _zeros(w, f"adam_v_{n}", second) for n, w in weights.items()}
        super().__init__(rounding)

    @staticmethod
    def of(network: Network, layers: Collection[str] | None = None) -> Adam:
        """Return the optimiser of layers of a network; None = of all."""
        names = network.description.layer_names if layers is None else layers
        weights = {name: network.weights[name] for name in network.trained_weights(names)}
        return Adam(weights, network.variables.rounding, network.variables.codings)

    @property
    def slots(self) -> Sequence[Mapping[str, Tensor]]:
        """Both moments of each weight, by full name."""
        return self.first, self.second

    def _rate(self, learning_rate: Tensor, step: Tensor) -> Tensor:
        """Return the rate with the bias corrected."""
        return learning_rate * tf.sqrt(1.0 - tf.pow(_BETA2, step)) / (1.0 - tf.pow(_BETA1, step))

    def _growth(self, scale: Tensor) -> tuple[Tensor, ...]:
        """Return by how much gradients, and their squares, go into the moments."""
        return (1.0 - _BETA1) * scale, (1.0 - _BETA2) * scale * scale

    def _moved(self, weight: Block | Whole, gradient: Tensor, spot: Spot) -> tuple[Tensor, Tensor]:
        grow1, grow2 = spot.pace.growth
        m, v = (blocks_of(slots[spot.name])[spot.number] for slots in self.slots)
        m_old, of_m = m.read()
        v_old, of_v = v.read()
        m_new = _BETA1 * m_old + grow1 * gradient
        v_new = _BETA2 * v_old + (grow2 * gradient) * gradient
        m.write(m_new, of_m, spot.lots(_FIRST_TURN))
        v.write(v_new, of_v, spot.lots(_SECOND_TURN))
        w, of_w = weight.read()
        moved = w - spot.pace.rate * m_new / (tf.sqrt(v_new) + _EPSILON)
        return weight.write(moved, of_w, spot.lots())


def _zeros(weight: Tensor, name: str, coding: Coding | None) -> Tensor:
    """Return a variable of zeros for a weight."""
    if isinstance(weight, EncodedVariable) and coding is not None:
        return EncodedVariable(name, np.zeros(weight.shape, np.float32), coding)
    return tf.Variable(tf.zeros_like(weight), name=name)
