"""What a training step changes, and by which losses (no tensorflow)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from harness.contract.network import SubModel

Weighting = Literal["equal", "mean", "rising"]


@dataclass(frozen=True)
class Aim:
    """What a training step changes, and by which losses."""

    layers: Collection[str]
    """Names of the layers that train."""
    exits: Collection[str] | None = None
    """Whose losses are added up, in the order of the network; None: all of the network. Nothing
    above the deepest is computed."""
    biases: bool = False
    """Of the layers, only biases and the vectors of normalisations train."""
    loss_weights: tuple[float, ...] = ()
    """A factor for the loss of each exit; empty: 1."""

    @staticmethod
    def of(sub_model: SubModel) -> Aim:
        """Return what a sub-model trains."""
        exits = sub_model.exits or None
        return Aim(sub_model.layers, exits, biases=sub_model.weights == "biases")


def loss_weights(kind: Weighting, exits: int) -> tuple[float, ...]:
    """Return a factor for the loss of each exit, the shallowest first.

    Args:
        kind: ``equal``: the sum of the losses; ``mean``: their mean; ``rising``: their mean by
            weights 1, 2, 3 ...
        exits: How many there are.
    """
    weights = range(1, exits + 1) if kind == "rising" else [1] * exits
    total = 1 if kind == "equal" else sum(weights)
    return tuple(weight / total for weight in weights)
