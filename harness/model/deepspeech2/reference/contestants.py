"""The plain formulations of DeepSpeech2, as ``harness model bench`` runs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from harness.model.bench.reference import Reference
from harness.model.deepspeech2.configuration import DeepSpeech2
from harness.model.deepspeech2.reference.network import PlainNetwork, PlainStep
from harness.model.initial import Weights
from harness.model.tensors import Tensor

if TYPE_CHECKING:
    from harness.model.deepspeech2.reference.keras_network import KerasNetwork

_BEST = "apart"
"""The formulation that ``plain`` stands for; ``script/bench model`` compares them."""


def reference(
    config: DeepSpeech2, formulation: str, weights: Weights, trained: Collection[str]
) -> Reference:
    """Return the network in plain tensorflow or in Keras, by its name in ``formulations``."""
    if formulation == "keras":
        from harness.model.deepspeech2.reference.keras_network import KerasNetwork

        return _Keras(KerasNetwork(config, weights, trained))
    plain = _BEST if formulation == "plain" else formulation
    return _Plain(PlainNetwork(config, weights, formulation=plain), trained)


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
        functions: dict[str, Callable[..., Tensor]] = {
            "features": network.features,
            "infer": lambda x, in_len: network.infer(x, in_len)[0],
            "loss": network.loss,
        }
        step = PlainStep(network, self._trained)
        return functions.get(name, lambda *inputs: step(inputs, rate))


class _Keras:
    """Keras, by its own loops."""

    def __init__(self, network: KerasNetwork) -> None:
        self._network = network

    def signature(self, name: str, rate: float) -> Callable[[Sequence[Any]], Any]:
        network = self._network.ready(rate)
        if name.startswith("train_"):
            return lambda inputs: network.train_on_batch(list(inputs), return_dict=True)["loss"]
        if name == "infer":
            return lambda inputs: network.predict_on_batch(list(inputs))
        losses = tf.function(network.utterance_losses, autograph=False)
        return lambda inputs: losses(list(inputs))
