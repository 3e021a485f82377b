"""Which weights of a network are held in few bits, and in which (no tensorflow)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig


def encoded_weights(config: NetworkConfig) -> frozenset[str]:
    """Return the full names of the weights that a network holds encoded.

    Matrices and kernels that train, as the wire's ``variables: weights``; biases, vectors of
    normalisations and statistics stay float32.
    """
    if config.resident == "float32":
        return frozenset()
    return frozenset(
        spec.full_name(name)
        for spec in config.layer_specs()
        for name, weight in spec.weights.items()
        if spec.full_name(name) in spec.matrices and weight.shape[-1] % 2 == 0
    )


def rounded_weights(config: NetworkConfig) -> frozenset[str]:
    """Return the full names of the weights that are rounded where a product takes them.

    What is held encoded is rounded already.
    """
    if config.forward == "float32":
        return frozenset()
    names = {name for spec in config.layer_specs() for name in spec.matrices}
    return frozenset(names - encoded_weights(config))
