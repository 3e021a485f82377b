"""A network as the memory model sees it: parameters and activations by layer (no tensorflow)."""

from __future__ import annotations

import math

from harness.memory.sizes import LayerSizes, NetworkSizes
from harness.model.configuration import LAYERS, NetworkConfig, layer_parameters


def network_sizes(config: NetworkConfig) -> NetworkSizes:
    """Return the sizes of a network; activations are those of a full-length utterance.

    Counted is what a layer gives on to the next, as the paper counts it: [T, F, C] of a CONV,
    [T, 2 x hidden] of a BLSTM, [T, units] of an FC layer.
    """
    trainable = layer_parameters(config)
    statistics = layer_parameters(config, trainable=False)
    frames = config.output_frames
    outputs = [math.prod(shape) for shape in config.conv_shapes()[1:]]
    outputs += [frames * 2 * config.hidden] * 4
    outputs += [frames * config.dense, frames * config.outputs]
    return NetworkSizes(
        layers=tuple(
            LayerSizes(
                name=layer,
                trainable=trainable[layer],
                statistics=statistics[layer],
                activations=activations,
            )
            for layer, activations in zip(LAYERS, outputs, strict=True)
        )
    )
