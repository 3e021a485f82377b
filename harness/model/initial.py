"""First values of weights, from a seed (no tensorflow)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from harness.model.configuration import NetworkConfig

Weights = dict[str, npt.NDArray[np.float32]]
"""By full name, such as ``conv1_kernel``."""

Initial = Callable[[np.random.Generator, tuple[int, ...]], Any]
"""Makes the first value of a weight of a shape."""

_LARGEST_ORTHOGONAL = 256
"""Cells; above, the decomposition gets slow."""


def initial_weights(config: NetworkConfig, seed: int) -> Weights:
    """Return first weights by full name (``conv1_kernel``), in the order of layers and names."""
    rng = np.random.default_rng(seed)
    return {
        spec.full_name(name): np.asarray(weight.initial(rng, weight.shape)).astype(np.float32)
        for spec in config.layer_specs()
        for name, weight in spec.weights.items()
    }


def zeros(_: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return zeros."""
    return np.zeros(shape)


def ones(_: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return ones."""
    return np.ones(shape)


def before_relu(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return normal values for a layer with ReLU (He et al., 2015); the last axis is the output."""
    return _normal(rng, shape, 2.0)


def before_output(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return normal values for a layer without ReLU; the last axis is the output."""
    return _normal(rng, shape, 1.0)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], gain: float) -> Any:
    return rng.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))


def lstm_input(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return uniform values (Glorot and Bengio, 2010) of shape [2, inputs, 4H]."""
    limit = np.sqrt(6.0 / (shape[1] + shape[2]))
    return rng.uniform(-limit, limit, shape)


def lstm_recurrent(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return orthogonal matrices a gate, of shape [2, H, 4H]; uniform ones above 256 cells."""
    cells = shape[1]
    if cells > _LARGEST_ORTHOGONAL:
        return rng.uniform(-1.0, 1.0, shape) * np.sqrt(3.0 / cells)
    gates = [np.linalg.qr(rng.standard_normal((cells, cells)))[0] for _ in range(8)]
    return np.stack([np.concatenate(gates[:4], 1), np.concatenate(gates[4:], 1)])


def lstm_bias(_: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return 1 for forget gates and 0 for the others, of shape [2, 1, 4H]."""
    cells = shape[2] // 4
    bias = np.zeros(shape)
    bias[:, :, cells : 2 * cells] = 1.0
    return bias
