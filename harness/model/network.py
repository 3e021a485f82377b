"""A network: a list of layers and a loss; forward pass, and gradients of the layers that train.

Layers below the lowest trained one keep nothing for the backward pass and get no gradient: that is
what makes a smaller sub-model cheaper in time and memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from harness.model.configuration import Form, NetworkConfig
from harness.model.ctc import CtcLoss
from harness.model.initial import Weights, initial_weights
from harness.model.layer import Role, Signal
from harness.model.operators import inside
from harness.model.tensors import Tensor


class NetworkVariables:
    """The variables of a network, by full name, in the order of layers and names.

    Args:
        weights: First values by full name.
    """

    def __init__(self, weights: Weights) -> None:
        self.by_name = {name: tf.Variable(value, name=name) for name, value in weights.items()}

    def read(self, full_name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a variable, made no earlier than ``after``."""
        with tf.control_dependencies([] if after is None else [after]):
            return tf.identity(self.by_name[full_name])


@dataclass(frozen=True)
class StepGradients:
    """What a training step is made of."""

    loss: Tensor
    """Mean over the real rows, a scalar."""
    gradients: dict[str, Tensor]
    """By full name, in the order of the network."""
    moved: dict[str, Tensor]
    """New values of statistics by full name; empty if they are frozen."""


@dataclass(frozen=True)
class _Pass:
    """What a forward pass through all layers left."""

    logits: Tensor
    """[To, B, V]"""
    signal: Signal
    """After the last layer."""
    caches: dict[str, Any]
    moved: dict[str, Tensor]


class Network:
    """Layers with their variables, and what can be computed with them.

    Args:
        config: Sizes.
        variables: Of another network, to share them.
        seed: Of the first weights, if variables are made.
        form: For whom it is written.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        variables: NetworkVariables | None = None,
        seed: int = 0,
        form: Form | None = None,
    ) -> None:
        form = form or Form()
        self.config = config
        self.description = config.describe()
        self.variables = variables or NetworkVariables(initial_weights(config, seed))
        self.layers = config.build_layers(self.variables, form)
        self._form = form
        self._loss = CtcLoss(config.unroll, in_tensorflow=not form.flatbuffer)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Variables by full name, ``conv1_kernel``."""
        return self.variables.by_name

    def resized(self, config: NetworkConfig) -> Network:
        """Return a network of the same variables with other static sizes."""
        return Network(config, variables=self.variables, form=self._form)

    def trained_weights(self, layers: Collection[str]) -> list[str]:
        """Return the full names of the weights that are trained with these layers."""
        return [
            name for layer in self.layers if layer.name in layers for name in layer.spec.trained
        ]

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames."""
        for layer in self.layers:
            lengths = layer.output_lengths(lengths)
        return lengths

    def infer(self, x: Tensor, in_len: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [To, B, V] and output lengths [B] (0 for an empty row).

        Args:
            x: [B, T, mels], zero past each utterance.
            in_len: [B] int32; 0 marks a row that is only padding.
        """
        passed = self._forward(x, in_len, {})
        return passed.logits, self.output_lengths(in_len)

    def loss(self, x: Tensor, in_len: Tensor, labels: Tensor, lab_len: Tensor) -> Tensor:
        """Return the CTC loss [B]; 0 for an empty row."""
        passed = self._forward(x, in_len, {})
        loss, _ = self._loss(passed.logits, labels, passed.signal.lengths, lab_len)
        return loss * _real(in_len)

    def gradients(
        self,
        x: Tensor,
        in_len: Tensor,
        labels: Tensor,
        lab_len: Tensor,
        trained: Collection[str],
    ) -> StepGradients:
        """Return the mean loss of the real rows, its gradients, and moved statistics.

        Args:
            x: [B, T, mels].
            in_len: [B]; rows of length 0 count for nothing.
            labels: [B, L].
            lab_len: [B].
            trained: Names of the layers that train.
        """
        roles = self._roles(trained)
        passed = self._forward(x, in_len, roles)
        loss, d_logits = self._loss(passed.logits, labels, passed.signal.lengths, lab_len)
        real = _real(in_len)
        share = real / tf.maximum(tf.reduce_sum(real), 1.0)
        gradients = self._backward(d_logits * share[None, :, None], passed, roles)
        return StepGradients(tf.reduce_sum(loss * share), gradients, passed.moved)

    def _roles(self, trained: Collection[str]) -> dict[str, Role]:
        """Return the role of each layer from the lowest trained one up."""
        roles: dict[str, Role] = {}
        for layer in self.layers:
            if roles or layer.name in trained:
                roles[layer.name] = Role(layer.name in trained, passes_on=bool(roles))
        return roles

    def _forward(self, x: Tensor, in_len: Tensor, roles: Mapping[str, Role]) -> _Pass:
        config = self.config
        lengths = tf.maximum(in_len, 1)
        signal = Signal(x, lengths, inside(lengths, config.max_frames))
        caches: dict[str, Any] = {}
        moved: dict[str, Tensor] = {}
        for layer in self.layers:
            passed = layer.forward(signal, roles.get(layer.name, Role()))
            signal = passed.signal
            caches[layer.name] = passed.cache
            moved |= passed.moved
        shape = [config.output_frames, config.batch_size, config.outputs]
        return _Pass(tf.reshape(signal.values, shape), signal, caches, moved)

    def _backward(
        self, d_logits: Tensor, passed: _Pass, roles: Mapping[str, Role]
    ) -> dict[str, Tensor]:
        gradients: dict[str, Tensor] = {}
        gradient = tf.reshape(d_logits, passed.signal.values.shape)
        for layer in reversed(self.layers):
            role = roles.get(layer.name, Role())
            if not role.goes_back:
                break
            back = layer.backward(gradient, passed.caches[layer.name], role)
            gradient = back.gradient
            gradients |= back.weights
        trained = [name for name, role in roles.items() if role.trained]
        return {name: gradients[name] for name in self.trained_weights(trained)}


def _real(in_len: Tensor) -> Tensor:
    """[B] -> 1.0 for an utterance, 0.0 for a row of padding."""
    return tf.cast(in_len > 0, tf.float32)
