"""The way forward through a network's layers, and back.

On the way back a layer's forward pass may be made again just before its backward pass; then only
what goes into each layer lives through the step. A layer's gradients may be taken as soon as they
are there; then they live no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import tensorflow as tf

from harness.model.layer import Role, Signal, TrainableLayer
from harness.model.operators import no_earlier, runtime_zero
from harness.model.segments import Segment
from harness.model.tensors import Tensor

Taken = Callable[[dict[str, Tensor]], Tensor]
"""Does what is to be done with some gradients, by full name; returns what to wait for."""


@dataclass
class ForwardPass:
    """A pass through some layers, and what it left."""

    signal: Signal
    """After the last layer so far."""
    roles: Mapping[str, Role]
    """Of layers through which a gradient will go back."""
    recompute: bool = False
    """Keep what goes into these layers only."""
    ends: dict[str, Signal] = field(default_factory=dict)
    """After the head of each exit so far."""
    states: dict[str, Signal] = field(default_factory=dict)
    """What went into these heads."""
    given: dict[str, Signal] = field(default_factory=dict)
    """What went into each layer that will be made again."""
    caches: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, Tensor] = field(default_factory=dict)
    """New values of statistics, by full name."""

    def through(self, layers: Sequence[TrainableLayer]) -> None:
        """Go on through some layers."""
        self.signal = self._through(layers)

    def answer(self, segment: Segment) -> None:
        """Run the head of a segment; the signal stays what the trunk gave."""
        self.states[segment.exit] = self.signal
        self.ends[segment.exit] = self._through(segment.head)

    def _through(self, layers: Sequence[TrainableLayer]) -> Signal:
        signal = self.signal
        for layer in layers:
            role = self.roles.get(layer.name, Role())
            if self.recompute and role.goes_back:
                self.given[layer.name] = signal
                role = replace(role, remade=True)
            passed = layer.forward(signal, role)
            signal = passed.signal
            self.caches[layer.name] = passed.cache
            self.moved |= passed.moved
        return signal


@dataclass
class BackwardPass:
    """The way back of a forward pass."""

    forward: ForwardPass
    wanted: frozenset[str]
    """Full names of the weights whose gradients are asked for."""
    taken: Taken | None = None
    """Gets a layer's gradients; None: they stay in ``gradients``."""
    gradients: dict[str, Tensor] = field(default_factory=dict)
    """By full name."""

    def run(
        self,
        segments: Sequence[Segment],
        d_ends: Mapping[str, Tensor],
        d_states: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Go back from the ends of exits; heads add to the gradient of the trunk.

        Args:
            segments: Of the network, up to the deepest of the exits.
            d_ends: Gradients of the logits by exit, of as many numbers as ``ForwardPass.ends``.
            d_states: By exit, what else depends on what the trunk gives there; None: nothing does.
        """
        d_states = d_states or {}
        gradient: Tensor | None = None
        for segment in reversed(segments):
            if segment.exit in d_ends:
                end = self.forward.ends[segment.exit].values
                below = self.through(segment.head, tf.reshape(d_ends[segment.exit], end.shape))
                gradient = below if gradient is None or below is None else gradient + below
            if segment.exit in d_states and gradient is not None:
                gradient = gradient + d_states[segment.exit]
            gradient = self.through(segment.trunk, gradient)

    def through(self, layers: Sequence[TrainableLayer], gradient: Tensor | None) -> Tensor | None:
        """Go back through layers; return the gradient of what went into the first, if needed."""
        for layer in reversed(layers):
            role = self.forward.roles.get(layer.name, Role())
            if not role.goes_back or gradient is None:
                return None
            back = layer.backward(gradient, self._cache(layer, role, gradient), role)
            weights = {n: value for n, value in back.weights.items() if n in self.wanted}
            gradient = self._after(weights, back.gradient)
        return gradient

    def _cache(self, layer: TrainableLayer, role: Role, gradient: Tensor) -> Any:
        """Return what a layer kept, or keeps if its forward pass is made again."""
        signal = self.forward.given.get(layer.name)
        if signal is None:
            return self.forward.caches[layer.name]
        zero = runtime_zero(signal.lengths)
        values = no_earlier(signal.values, gradient, zero)
        return layer.forward(replace(signal, values=values), role).cache

    def _after(self, weights: dict[str, Tensor], gradient: Tensor | None) -> Tensor | None:
        """Hand a layer's gradients over; go on when they are there.

        Without that order the gradients of weights are made last, and all that they need waits.
        """
        waits = []
        if self.taken is None:
            self.gradients |= weights
            if self.forward.recompute:
                waits = list(weights.values())
        elif weights:
            waits = [self.taken(weights)]
        if gradient is None or not waits:
            return gradient
        with tf.control_dependencies(waits):
            return tf.identity(gradient)
