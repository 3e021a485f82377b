"""One training step: gradients, and what Adam does with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.model.aim import Aim
from harness.model.network import Network
from harness.model.optimiser import Optimiser
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class StepLoss:
    """Losses before a step, scalars."""

    loss: Tensor
    """The sum over the exits that count, times their weights, of means over the real rows."""
    by_exit: Mapping[str, Tensor]
    """The mean of each of them, not weighted."""


def train_step(
    network: Network, optimiser: Optimiser, batch: Sequence[Tensor], learning_rate: Tensor, aim: Aim
) -> StepLoss:
    """Train layers on a batch; return the losses before it.

    Args:
        network: Whose weights and statistics move.
        optimiser: Whose moments move.
        batch: x, in_len, labels, lab_len.
        learning_rate: Scalar.
        aim: What trains, and by which losses.
    """
    x, in_len, labels, lab_len = batch
    clip_norm = network.config.clip_norm
    if network.config.clip == "layer":
        update = optimiser.layerwise(network.weights, learning_rate, clip_norm)
        step = network.gradients(x, in_len, labels, lab_len, aim, update.apply)
        update.end()
    else:
        step = network.gradients(x, in_len, labels, lab_len, aim)
        optimiser.apply(network.weights, step.gradients, learning_rate, clip_norm)
    for name, value in step.moved.items():
        network.weights[name].assign(value)
    return StepLoss(step.loss, step.by_exit)
