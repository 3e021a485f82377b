"""A network as the memory model sees it: parameters and activations by layer (no tensorflow)."""

from __future__ import annotations

from harness.memory.sizes import LayerSizes, NetworkSizes
from harness.model.configuration import NetworkConfig


def network_sizes(config: NetworkConfig) -> NetworkSizes:
    """Return the sizes of a network; activations are those of a full-length utterance."""
    return NetworkSizes(
        layers=tuple(
            LayerSizes(
                name=spec.name,
                trainable=spec.parameters,
                statistics=spec.statistics,
                activations=spec.activations,
            )
            for spec in config.layer_specs()
        )
    )
