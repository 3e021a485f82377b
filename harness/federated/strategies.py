"""What the server does with a round's mean difference: FedAvg, and optimisers in its place.

FedAdam, FedYogi and FedAdagrad are those of Reddi et al. 2021 (arXiv 2003.00295, Algorithm 2),
without a correction of bias, from moments of zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.scenario.federated import Federated, Strategy

Values = npt.NDArray[np.float64]
Moments = Mapping[str, Values]


@dataclass(frozen=True)
class ServerStep:
    """How far the server goes for one variable.

    Args:
        moments: Names of what is remembered from round to round.
        go: (mean difference, moments) -> (step, moments afterwards); before the server's rate.
    """

    moments: tuple[str, ...]
    go: Callable[[Values, Moments], tuple[Values, dict[str, Values]]]


def server_step(federated: Federated) -> ServerStep:
    """Return what a strategy does with the mean difference."""
    strategy = federated.strategy
    if strategy.name == "fedavgm":
        return ServerStep(("m",), lambda mean, moments: _heavy(strategy, mean, moments))
    second = {"fedadam": _adam, "fedyogi": _yogi, "fedadagrad": _adagrad}.get(strategy.name or "")
    if second is None:
        return ServerStep((), lambda mean, _: (mean, {}))
    return ServerStep(("m", "v"), lambda mean, moments: _adaptive(strategy, second, mean, moments))


def _heavy(strategy: Strategy, mean: Values, moments: Moments) -> tuple[Values, dict[str, Values]]:
    m = strategy.momentum * moments["m"] + mean
    return m, {"m": m}


def _adaptive(
    strategy: Strategy,
    second: Callable[[Strategy, Values, Values], Values],
    mean: Values,
    moments: Moments,
) -> tuple[Values, dict[str, Values]]:
    beta = 0.0 if strategy.name == "fedadagrad" else strategy.beta_1
    m = beta * moments["m"] + (1 - beta) * mean
    v = second(strategy, moments["v"], mean**2)
    return m / (np.sqrt(v) + strategy.tau), {"m": m, "v": v}


def _adam(strategy: Strategy, v: Values, square: Values) -> Values:
    return strategy.beta_2 * v + (1 - strategy.beta_2) * square


def _yogi(strategy: Strategy, v: Values, square: Values) -> Values:
    return v - (1 - strategy.beta_2) * square * np.sign(v - square)


def _adagrad(_strategy: Strategy, v: Values, square: Values) -> Values:
    return v + square
