"""First weights, from a seed (no tensorflow)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.model.configuration import NetworkConfig, weight_shapes

Weights = dict[str, npt.NDArray[np.float32]]


def initial_weights(config: NetworkConfig, seed: int) -> Weights:
    """Return first weights by full name (``conv1_kernel``).

    He for layers with ReLU, Glorot for LSTM inputs, orthogonal for recurrent matrices up to 256
    cells (uniform above: the decomposition gets slow), forget bias 1.
    """
    rng = np.random.default_rng(seed)
    found: Weights = {}
    for layer, names in weight_shapes(config).items():
        for name, shape in names.items():
            value = _first(rng, layer, name, shape)
            found[f"{layer.lower()}_{name}"] = value.astype(np.float32)
    return found


def _first(rng: np.random.Generator, layer: str, name: str, shape: tuple[int, ...]) -> Any:
    if name.endswith(("gamma", "variance")):
        return np.ones(shape)
    if name == "kernel":
        gain = 1.0 if layer == "FC2" else 2.0
        return rng.standard_normal(shape) * np.sqrt(gain / np.prod(shape[:-1]))
    if name == "input":
        limit = np.sqrt(6.0 / (shape[1] + shape[2]))
        return rng.uniform(-limit, limit, shape)
    if name == "recurrent":
        cells = shape[1]
        if cells > 256:
            return rng.uniform(-1.0, 1.0, shape) * np.sqrt(3.0 / cells)
        gates = [np.linalg.qr(rng.standard_normal((cells, cells)))[0] for _ in range(8)]
        return np.stack([np.concatenate(gates[:4], 1), np.concatenate(gates[4:], 1)])
    zeros = np.zeros(shape)
    if layer.startswith("BLSTM") and name == "bias":
        cells = shape[2] // 4
        zeros[:, :, cells : 2 * cells] = 1.0
    return zeros
