"""The optimisers by the name that a configuration has for them."""

from __future__ import annotations

from harness.model.adam import Adam
from harness.model.network import Network
from harness.model.optimiser import Optimiser
from harness.model.sgd import Sgd


def optimiser_of(network: Network) -> Optimiser:
    """Return the optimiser that a network's configuration names, of all its layers."""
    return Sgd.of(network) if network.config.optimiser == "sgd" else Adam.of(network)
