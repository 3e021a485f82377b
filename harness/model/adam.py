"""Adam with clipping of the global norm, or of each layer's, on resource variables.

Kingma and Ba, 2015, in the order of the end of their section 2 (as Keras has it): epsilon stands
beside the square root of the second moment before its bias is corrected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import tensorflow as tf

from harness.model.network import Network
from harness.model.tensors import Tensor

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7


class Adam:
    """First and second moments of every trainable weight, and the step count.

    Args:
        weights: Trainable variables by full name.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.first = {
            n: tf.Variable(tf.zeros_like(w), name=f"adam_m_{n}") for n, w in weights.items()
        }
        self.second = {
            n: tf.Variable(tf.zeros_like(w), name=f"adam_v_{n}") for n, w in weights.items()
        }
        self.step = tf.Variable(0.0, name="adam_step")

    @staticmethod
    def of(network: Network, layers: Collection[str] | None = None) -> Adam:
        """Return the optimiser of layers of a network; None = of all."""
        names = network.description.layer_names if layers is None else layers
        return Adam({name: network.weights[name] for name in network.trained_weights(names)})

    def reset(self, names: list[str]) -> None:
        """Zero the step count and the moments of the weights named.

        The zeros are made when it runs: as constants they would double the size of the file.
        """
        zero = self.step.read_value() * 0.0
        self.step.assign(zero)
        for name in names:
            for slot in (self.first[name], self.second[name]):
                slot.assign(tf.fill(slot.shape.as_list(), zero))

    def apply(
        self,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        learning_rate: Tensor,
        clip_norm: float,
    ) -> None:
        """Take one step on the weights that have a gradient, clipped by the norm of all of them."""
        scale = _scale(gradients, clip_norm)
        step, rate = self._begin(learning_rate)
        self._move(weights, gradients, scale, rate)
        self.step.assign(step)

    def layerwise(
        self, weights: Mapping[str, Tensor], learning_rate: Tensor, clip_norm: float
    ) -> LayerwiseStep:
        """Begin a step on weights whose gradients come a layer at a time."""
        step, rate = self._begin(learning_rate)
        return LayerwiseStep(self, weights, step, rate, clip_norm)

    def _begin(self, learning_rate: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number of the step that begins, and its rate with the bias corrected."""
        step = self.step + 1.0
        rate = learning_rate * tf.sqrt(1.0 - tf.pow(_BETA2, step)) / (1.0 - tf.pow(_BETA1, step))
        return step, rate

    def _move(
        self,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        scale: Tensor,
        rate: Tensor,
    ) -> Tensor:
        """Move weights and moments; return the last assignment.

        The updates run one after another: without that order all moments are read at once, and a
        copy of each lives through the whole step.
        """
        grow1 = (1.0 - _BETA1) * scale
        grow2 = (1.0 - _BETA2) * scale * scale
        assignment = None
        for name, gradient in gradients.items():
            m, v, w = self.first[name], self.second[name], weights[name]
            with tf.control_dependencies([] if assignment is None else [assignment]):
                m_new = _BETA1 * m.read_value() + grow1 * gradient
                v_new = _BETA2 * v.read_value() + (grow2 * gradient) * gradient
                m.assign(m_new, read_value=False)
                v.assign(v_new, read_value=False)
                moved = w.read_value() - rate * m_new / (tf.sqrt(v_new) + _EPSILON)
                assignment = w.assign(moved, read_value=False)
        return assignment


@dataclass(frozen=True)
class LayerwiseStep:
    """A step of Adam whose gradients come a layer at a time, and are clipped by layers."""

    adam: Adam
    weights: Mapping[str, Tensor]
    """Trainable variables by full name."""
    step: Tensor
    rate: Tensor
    clip_norm: float

    def apply(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Move a layer's weights now, clipped by the norm of its gradients.

        Returns:
            What to wait for: after it nothing needs the gradients.
        """
        scale = _scale(gradients, self.clip_norm)
        with tf.control_dependencies([scale]):
            return self.adam._move(self.weights, gradients, scale, self.rate)

    def end(self) -> None:
        """Count the step."""
        self.adam.step.assign(self.step)


def _scale(gradients: Mapping[str, Tensor], clip_norm: float) -> Tensor:
    """Return the factor that brings the norm of some gradients to at most ``clip_norm``."""
    squares = [tf.reduce_sum(g * g) for g in gradients.values()]
    norm = tf.sqrt(tf.add_n(squares) + 1e-12)
    return tf.minimum(1.0, clip_norm / norm)
