"""How much a model may tell of one client: epsilon of the Gaussian mechanism (pure).

By Rényi differential privacy (Mironov 2017, Propositions 1 to 3 and Corollary 3): a round with
noise of ``z`` times the clip is (a, a rho) with rho = 1 / 2 z^2, rounds add up, and of (a, r)
follows (r + log(1 / delta) / (a - 1), delta). That clients are drawn by lot is not counted, so the
figure is an upper bound. Neighbours differ in the answer of one client, which is replaced by none:
the mean is divided by a number that does not depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from harness.scenario.federated import Privacy

_ORDERS: Final = [1 + n / 10 for n in range(1, 1000)] + [float(n) for n in range(101, 2000)]


def epsilon(privacy: Privacy, rounds: int) -> float:
    """Return epsilon after so many rounds, at ``privacy.delta``."""
    return epsilon_of(rounds * rho(privacy.noise), privacy.delta)


def rho(noise: float) -> float:
    """Return what a round costs.

    Args:
        noise: Standard deviation of the noise, as a multiple of the most that a client moves the
            sum; above 0.
    """
    return 1 / (2 * noise**2)


def weighted_rho(noise: float, clients: int, weights: Sequence[float]) -> float:
    """Return what a round costs whose noise is made for equal weights, where they are others.

    The mean has noise of ``noise`` times the clip over ``clients``; the client whose word counts
    most moves it by its share of the clip.

    Args:
        noise: For equal weights, as of `rho`.
        clients: How many the noise was made for.
        weights: Of those who answered; who weighs nothing moves nothing.
    """
    share = max(weights) / sum(weights)
    return rho(noise / (clients * share))


def epsilon_of(cost: float, delta: float) -> float:
    """Return epsilon of the sum of what rounds cost."""
    if cost == 0:
        return 0.0
    return min(order * cost + math.log(1 / delta) / (order - 1) for order in _ORDERS)
