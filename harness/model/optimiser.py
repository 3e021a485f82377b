"""What gradients do to a network's weights: the part that all optimisers share.

Weights move one after another, and those that are encoded a block of rows after another: without
that order all are read at once, and a copy of each lives through the whole step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from harness.model.resident.codings import Parts
from harness.model.resident.rounding import RoundedStep, Rounding
from harness.model.resident.variable import Block, EncodedVariable
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class Whole:
    """A variable that is held as it is: one block, without codes."""

    variable: Tensor
    codes = 0

    def read(self) -> tuple[Tensor, None]:
        """Return its value."""
        return self.variable.read_value(), None

    def of(self, whole: Tensor) -> Tensor:
        """Return all of a tensor of its shape."""
        return whole

    def write(
        self, value: Tensor, before: Parts | None, lots: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Keep a value; return the assignment, and how many codes changed."""
        del before, lots
        return self.variable.assign(value, read_value=False), 0


def blocks_of(variable: Tensor) -> Sequence[Block | Whole]:
    """Return the blocks in which a variable moves."""
    return variable.blocks if isinstance(variable, EncodedVariable) else [Whole(variable)]


@dataclass(frozen=True)
class Pace:
    """How far a step goes."""

    growth: tuple[Tensor, ...]
    """What gradients are multiplied by."""
    rate: Tensor
    rounded: RoundedStep | None
    """None: nothing is encoded."""


@dataclass(frozen=True)
class Spot:
    """Where weights move: a block of a variable."""

    name: str
    number: int
    """Of the block."""
    pace: Pace

    def lots(self, turn: float = 0.0) -> Tensor | None:
        """Return lots for the block's numbers; None: nothing is rounded by lot."""
        rounded = self.pace.rounded
        return None if rounded is None else rounded.lots(self.name, self.number, turn)


class Optimiser(ABC):
    """Moves weights, and counts the steps.

    Args:
        rounding: Of the encoded weights; None: there are none.
    """

    def __init__(self, rounding: Rounding | None) -> None:
        self.step = tf.Variable(0.0, name="adam_step")
        self._rounding = rounding

    @property
    @abstractmethod
    def slots(self) -> Sequence[Mapping[str, Tensor]]:
        """What it keeps of each weight, by full name."""

    def reset(self, names: list[str]) -> None:
        """Zero the step count, and what is kept of the weights named.

        The zeros are made when it runs: as constants they would double the size of the file.
        """
        zero = self.step.read_value() * 0.0
        self.step.assign(zero)
        for name in names:
            for slots in self.slots:
                slot = slots[name]
                if isinstance(slot, EncodedVariable):
                    slot.clear(zero)
                else:
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
        pace = Pace(self._growth(scale), rate, self._rounded(step))
        self._move(weights, gradients, pace)
        self.step.assign(step)

    def layerwise(
        self, weights: Mapping[str, Tensor], learning_rate: Tensor, clip_norm: float
    ) -> LayerwiseStep:
        """Begin a step on weights whose gradients come a layer at a time."""
        step, rate = self._begin(learning_rate)
        return LayerwiseStep(self, weights, step, rate, clip_norm, self._rounded(step))

    def changed(self) -> Tensor | None:
        """Return the share of the weights' codes that the last step changed; None: no codes."""
        return None if self._rounding is None else self._rounding.changed()

    @abstractmethod
    def _rate(self, learning_rate: Tensor, step: Tensor) -> Tensor:
        """Return how far the step of a number goes."""

    @abstractmethod
    def _growth(self, scale: Tensor) -> tuple[Tensor, ...]:
        """Return what gradients are multiplied by.

        Args:
            scale: What clips their norm.
        """

    @abstractmethod
    def _moved(self, weight: Block | Whole, gradient: Tensor, spot: Spot) -> tuple[Tensor, Tensor]:
        """Move a block of weights; return the assignment, and how many codes changed."""

    def _begin(self, learning_rate: Tensor) -> tuple[Tensor, Tensor]:
        """Return the number of the step that begins, and how far it goes."""
        step = self.step + 1.0
        return step, self._rate(learning_rate, step)

    def _rounded(self, step: Tensor) -> RoundedStep | None:
        return None if self._rounding is None else self._rounding.begin(step)

    def _move(
        self, weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor], pace: Pace
    ) -> Tensor:
        """Move weights, and what is kept of them; return the last assignment."""
        assignment = None
        for name, gradient in gradients.items():
            for number, weight in enumerate(blocks_of(weights[name])):
                with tf.control_dependencies([] if assignment is None else [assignment]):
                    spot = Spot(name, number, pace)
                    assignment, changed = self._moved(weight, weight.of(gradient), spot)
                    if pace.rounded is not None and weight.codes:
                        assignment = pace.rounded.count(changed, weight.codes, assignment)
        return assignment


@dataclass(frozen=True)
class LayerwiseStep:
    """A step whose gradients come a layer at a time, and are clipped by layers."""

    optimiser: Optimiser
    weights: Mapping[str, Tensor]
    """Trainable variables by full name."""
    step: Tensor
    rate: Tensor
    clip_norm: float
    rounded: RoundedStep | None

    def apply(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Move a layer's weights now, clipped by the norm of its gradients.

        Returns:
            What to wait for: after it nothing needs the gradients.
        """
        scale = _scale(gradients, self.clip_norm)
        with tf.control_dependencies([scale]):
            pace = Pace(self.optimiser._growth(scale), self.rate, self.rounded)
            return self.optimiser._move(self.weights, gradients, pace)

    def end(self) -> None:
        """Count the step."""
        self.optimiser.step.assign(self.step)


def _scale(gradients: Mapping[str, Tensor], clip_norm: float) -> Tensor:
    """Return the factor that brings the norm of some gradients to at most ``clip_norm``."""
    squares = [tf.reduce_sum(g * g) for g in gradients.values()]
    norm = tf.sqrt(tf.add_n(squares) + 1e-12)
    return tf.minimum(1.0, clip_norm / norm)
