"""Batch normalisation over the last axis, forward and backward, with a mask of valid places.

Personalising keeps the statistics of pre-training ("frozen"): five utterances are too few for new
ones, and rows of a batch stay independent of each other. Pre-training uses the batch's own
statistics over valid places and moves the stored ones towards them.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from harness.model.layer import Role, TrainableLayer
from harness.model.tensors import Tensor

_EPSILON = 1e-3
_MOMENTUM = 0.99


@dataclass(frozen=True)
class Norm:
    """A normalised layer's parameters, each [C], read from their variables."""

    gamma: Tensor
    beta: Tensor
    moving_mean: Tensor
    moving_variance: Tensor


@dataclass(frozen=True)
class NormCache:
    """What the backward pass needs."""

    x: Tensor
    mean: Tensor
    inverse: Tensor
    """1 / sqrt(variance + epsilon), [C]"""
    count: Tensor | None
    """Valid places, if the statistics are the batch's own."""


def norm_forward(
    x: Tensor, norm: Norm, mask: Tensor, *, from_batch: bool
) -> tuple[Tensor, NormCache, dict[str, Tensor]]:
    """Normalise ``x`` [..., C].

    Args:
        x: Input.
        norm: Parameters.
        mask: 1 at valid places, 0 elsewhere; same rank as ``x``, broadcast against it.
        from_batch: Use (and move) the batch's statistics rather than the stored ones.

    Returns:
        The output, the cache, and new values for ``moving_mean`` and ``moving_variance``.
    """
    axes = list(range(len(x.shape) - 1))
    mean, variance = norm.moving_mean, norm.moving_variance
    count, moved = None, {}
    if from_batch:
        repeats = 1.0
        for full, masked in zip(x.shape[:-1], mask.shape[:-1], strict=True):
            repeats *= full / masked
        count = tf.maximum(tf.reduce_sum(mask) * repeats, 1.0)
        mean = tf.reduce_sum(x * mask, axes) / count
        variance = tf.reduce_sum(tf.square(x - mean) * mask, axes) / count
        moved = {
            "moving_mean": norm.moving_mean * _MOMENTUM + mean * (1 - _MOMENTUM),
            "moving_variance": norm.moving_variance * _MOMENTUM + variance * (1 - _MOMENTUM),
        }
    inverse = tf.math.rsqrt(variance + _EPSILON)
    scale = norm.gamma * inverse
    return x * scale + (norm.beta - mean * scale), NormCache(x, mean, inverse, count), moved


def norm_backward(
    dy: Tensor, cache: NormCache, norm: Norm, mask: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the gradients of the input and of ``gamma`` and ``beta``.

    Args:
        dy: Gradient of the output, zero at invalid places.
        cache: From ``norm_forward``.
        norm: As in the forward pass.
        mask: As in the forward pass.
    """
    axes = list(range(len(dy.shape) - 1))
    unit = (cache.x - cache.mean) * cache.inverse
    d_beta = tf.reduce_sum(dy, axes)
    d_gamma = tf.reduce_sum(dy * unit, axes)
    dx = dy
    if cache.count is not None:
        dx = (dy - (d_beta + unit * d_gamma) / cache.count) * mask
    return dx * (norm.gamma * cache.inverse), {"gamma": d_gamma, "beta": d_beta}


@dataclass(frozen=True)
class NormalisationCache:
    """What the backward pass of a layer's normalisation needs."""

    norm: Norm
    cache: NormCache
    mask: Tensor


@dataclass(frozen=True)
class Normalisation:
    """Batch normalisation as a part of a layer, with weights of that layer."""

    layer: TrainableLayer
    batch_statistics: bool
    """Normalise with the batch's own statistics while the layer is trained."""
    prefix: str = ""
    """Of its weights: ``input_`` makes ``input_gamma`` and ``moving_input_mean``."""

    def forward(
        self, x: Tensor, mask: Tensor, role: Role
    ) -> tuple[Tensor, NormalisationCache, dict[str, Tensor]]:
        """Return the output, the cache, and new statistics by full name."""
        norm = Norm(
            self.layer.read(f"{self.prefix}gamma"),
            self.layer.read(f"{self.prefix}beta"),
            self.layer.read(self._statistic("moving_mean")),
            self.layer.read(self._statistic("moving_variance")),
        )
        from_batch = self.batch_statistics and role.trained
        y, cache, moved = norm_forward(x, norm, mask, from_batch=from_batch)
        named = self.layer.named({self._statistic(name): value for name, value in moved.items()})
        return y, NormalisationCache(norm, cache, mask), named

    def backward(
        self, gradient: Tensor, cache: NormalisationCache
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the gradients of the input and, by name within the layer, of the weights.

        Args:
            gradient: Of the output, zero at invalid places.
            cache: From the forward pass.
        """
        d, gradients = norm_backward(gradient, cache.cache, cache.norm, cache.mask)
        return d, {f"{self.prefix}{name}": value for name, value in gradients.items()}

    def _statistic(self, name: str) -> str:
        return f"moving_{self.prefix}{name.removeprefix('moving_')}"
