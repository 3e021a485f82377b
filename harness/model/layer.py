"""A layer of a trainable network: its weights, and its pass forward and backward (no tensorflow).

``LayerSpec`` says what can be known without tensorflow: names, shapes and first values of weights,
and sizes for the memory model. ``TrainableLayer`` computes. A network is a list of them
(`harness.model.network`); each family brings its own kinds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.model.initial import Initial
from harness.model.tensors import Tensor


@dataclass(frozen=True)
class Weight:
    """One variable of a layer."""

    shape: tuple[int, ...]
    initial: Initial
    """Makes its first value."""
    trained: bool = True
    """False: a statistic that a layer moves by itself; stored, not trained."""
    bias: bool | None = None
    """A bias, or a vector of a normalisation: what a sub-model of biases trains. None: if it has
    one axis."""

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def is_bias(self) -> bool:
        """Whether a sub-model of biases trains it."""
        return self.trained and (len(self.shape) == 1 if self.bias is None else self.bias)


@dataclass(frozen=True)
class LayerSpec:
    """A layer without its computation."""

    name: str
    weights: Mapping[str, Weight]
    """By name within the layer, in the order of signatures and checkpoints."""
    activations: float
    """Numbers that a full-length utterance leaves behind for the backward pass."""

    @property
    def parameters(self) -> int:
        """Trainable numbers."""
        return sum(weight.size for weight in self.weights.values() if weight.trained)

    @property
    def bias_parameters(self) -> int:
        """Trainable numbers of biases and of vectors of normalisations."""
        return sum(weight.size for weight in self.weights.values() if weight.is_bias)

    @property
    def statistics(self) -> int:
        """Numbers that are stored and not trained."""
        return sum(weight.size for weight in self.weights.values() if not weight.trained)

    @property
    def trained(self) -> tuple[str, ...]:
        """Full names of the weights that training changes."""
        return tuple(
            self.full_name(name) for name, weight in self.weights.items() if weight.trained
        )

    @property
    def biases(self) -> tuple[str, ...]:
        """Full names of the weights that a sub-model of biases trains."""
        return tuple(
            self.full_name(name) for name, weight in self.weights.items() if weight.is_bias
        )

    @property
    def matrices(self) -> tuple[str, ...]:
        """Full names of the matrices and kernels that training changes: what products are with."""
        return tuple(
            self.full_name(name)
            for name, weight in self.weights.items()
            if weight.trained and not weight.is_bias and len(weight.shape) > 1
        )

    def full_name(self, name: str) -> str:
        """Return the name of a weight in signatures and checkpoints: ``conv1_kernel``."""
        return f"{self.name.lower()}_{name}"


@dataclass(frozen=True)
class Signal:
    """What goes from one layer to the next."""

    values: Tensor
    """In the shape on which neighbouring layers of a family agree; times outermost after the last:
    [T, B, V] or [T*B, V]."""
    lengths: Tensor
    """[B] int32: frames of each utterance, at least 1."""
    mask: Tensor
    """[B, T, 1, 1]: 1.0 within each utterance."""


@dataclass(frozen=True)
class Role:
    """What a layer is to do in a pass."""

    trained: bool = False
    """Its own weights are trained."""
    passes_on: bool = False
    """A layer below is trained, so it gives its input's gradient."""
    remade: bool = False
    """Its forward pass will be made again before its backward pass: this one keeps nothing."""

    @property
    def goes_back(self) -> bool:
        """Whether the backward pass through the layer follows, and needs what this pass keeps."""
        return (self.trained or self.passes_on) and not self.remade


@dataclass(frozen=True)
class Forward:
    """What a forward pass through a layer made."""

    signal: Signal
    cache: Any = None
    """What its backward pass needs; None if none will follow."""
    moved: Mapping[str, Tensor] = field(default_factory=dict)
    """New values of statistics, by full name."""


@dataclass(frozen=True)
class Backward:
    """What a backward pass through a layer made."""

    gradient: Tensor | None
    """Of the layer's input, in the shape of its values; None if nobody asked for it."""
    weights: Mapping[str, Tensor]
    """Gradients by full name; empty if the layer is not trained."""


class Variables(Protocol):
    """Where layers read their weights."""

    grid: Any
    """On which operands of products are rounded (`harness.model.grid`); None: they are not."""

    def operand(self, full_name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a weight as products take it, made no earlier than ``after``."""

    def stack(self, full_name: str, after: Tensor) -> Any:
        """Return matrices for `harness.model.resident.product`, read no earlier than ``after``."""


class TrainableLayer(ABC):
    """A layer that computes its output, and the gradients of its input and its weights.

    Args:
        spec: Its name and weights.
        variables: The network's.
    """

    def __init__(self, spec: LayerSpec, variables: Variables) -> None:
        self.spec = spec
        self._variables = variables

    @property
    def name(self) -> str:
        """Name in the network."""
        return self.spec.name

    @abstractmethod
    def forward(self, signal: Signal, role: Role) -> Forward:
        """Pass a signal on.

        Args:
            signal: What the layer below gives.
            role: Whether a backward pass will follow, and what for.
        """

    @abstractmethod
    def backward(self, gradient: Tensor, cache: Any, role: Role) -> Backward:
        """Return the gradients that the role asks for.

        Args:
            gradient: Of the output, in the shape of its values; anything past an utterance's length
                has no effect.
            cache: From the forward pass.
            role: As in the forward pass.
        """

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return output frames [B] of utterances of ``lengths`` input frames (0 stays 0)."""
        return lengths

    def read(self, name: str, after: Tensor | None = None) -> Tensor:
        """Return a copy of a weight of this layer, made no earlier than ``after``.

        A converted file keeps a copy from where it was read to its last use; without ``after`` all
        are read at the start. So large ones are read where they are needed, and again on the way
        back. A matrix is rounded as its products ask for.
        """
        return self._variables.operand(self.spec.full_name(name), after)

    @property
    def grid(self) -> Any:
        """On which operands of products are rounded (`harness.model.grid`); None: they are not."""
        return self._variables.grid

    def multiplicand(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """Return what a product with a weight takes.

        Args:
            x: What goes into it.
            inside: 1 within each utterance, 0 elsewhere; None: x is 0 there.
        """
        return x if self.grid is None else self.grid.signal(x, inside)

    def stack(self, name: str, after: Tensor) -> Any:
        """Return matrices [N, rows, columns] of this layer for products with all of them.

        Encoded ones are decoded block by block, in the product.
        """
        return self._variables.stack(self.spec.full_name(name), after)

    def named(self, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return values by full name."""
        return {self.spec.full_name(name): value for name, value in gradients.items()}
