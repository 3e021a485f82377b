"""The plain formulations of the Conformer, as ``harness model bench`` runs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import tensorflow as tf

from harness.model.bench.reference import Reference
from harness.model.conformer.configuration import Conformer
from harness.model.conformer.reference.network import Formulation, PlainNetwork, PlainStep
from harness.model.initial import Weights
from harness.model.tensors import Tensor


def reference(
    config: Conformer, formulation: str, weights: Weights, trained: Collection[str]
) -> Reference:
    """Return the network in plain tensorflow; ``plain`` is the fastest, ``apart``."""
    kind: Formulation = "tape" if formulation == "tape" else "apart"
    return _Plain(PlainNetwork(config, weights, formulation=kind), trained)


class _Plain:
    """tensorflow, a function a signature."""

    def __init__(self, network: PlainNetwork, trained: Collection[str]) -> None:
        self._network = network
        self._trained = trained

    def signature(self, name: str, rate: float) -> Callable[[Sequence[Any]], Any]:
        function = tf.function(self._function(name, rate), autograph=False)
        return lambda inputs: function(*inputs)

    def _function(self, name: str, rate: float) -> Callable[..., Tensor]:
        network = self._network
        every = range(1, len(network.config.exits_after) + 1)
        functions: dict[str, Callable[..., Tensor]] = {
            "features": network.features,
            "infer": lambda x, in_len: network.logits(x, in_len)[-1],
            "loss": lambda *batch: network.losses(batch, every[-1:])[0],
        }
        for sub_model in network.config.sub_models():
            if name == f"train_{sub_model.name.lower()}":
                exits = [k for k in every if f"exit{k}" in sub_model.exits]
                step = PlainStep(network, self._trained, exits)
                return lambda *inputs: step(inputs, rate)
        return functions[name]
