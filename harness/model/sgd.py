"""Plain stochastic gradient descent: nothing is kept of a weight but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model.network import Network
from harness.model.optimiser import Optimiser, Spot, Whole
from harness.model.resident.variable import Block
from harness.model.tensors import Tensor


class Sgd(Optimiser):
    """Moves each weight against its gradient."""

    @staticmethod
    def of(network: Network) -> Sgd:
        """Return the optimiser of a network."""
        return Sgd(network.variables.rounding)

    @property
    def slots(self) -> Sequence[Mapping[str, Tensor]]:
        """Nothing."""
        return ()

    def _rate(self, learning_rate: Tensor, step: Tensor) -> Tensor:
        """Return the learning rate."""
        del step
        return learning_rate

    def _growth(self, scale: Tensor) -> tuple[Tensor, ...]:
        """Return what clips gradients."""
        return (scale,)

    def _moved(self, weight: Block | Whole, gradient: Tensor, spot: Spot) -> tuple[Tensor, Tensor]:
        (scale,) = spot.pace.growth
        before, parts = weight.read()
        return weight.write(before - (spot.pace.rate * scale) * gradient, parts, spot.lots())
