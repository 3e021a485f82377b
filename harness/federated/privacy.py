"""How much a model may tell of one client: epsilon of the Gaussian mechanism (pure).

By Rényi differential privacy (Mironov 2017, Propositions 1 to 3 and Corollary 3): a round with
noise of ``z`` times the clip is (a, a / 2 z^2), rounds add up, and of (a, r) follows
(r + log(1 / delta) / (a - 1), delta). That clients are drawn by lot is not counted, so the figure
is an upper bound. Neighbours differ in the answer of one client, which is replaced by none: the
mean is divided by a number that does not depend on it.
"""

from __future__ import annotations

import math
from typing import Final

from harness.scenario.federated import Privacy

_ORDERS: Final = [1 + n / 10 for n in range(1, 1000)] + [float(n) for n in range(101, 2000)]


def epsilon(privacy: Privacy, rounds: int) -> float:
    """Return epsilon after so many rounds, at ``privacy.delta``."""
    return min(
        rounds * order / (2 * privacy.noise**2) + math.log(1 / privacy.delta) / (order - 1)
        for order in _ORDERS
    )
