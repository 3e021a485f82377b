"""What Flower's differential-privacy wrappers promise, as far as it can be told from outside.

Noise is added to the mean that the wrapped strategy makes, as much as equal weights need. So
epsilon can be told where that mean is FedAvg's; a strategy that goes further from there, or takes a
median, moves by other amounts than the noise is made for.
"""

from __future__ import annotations

from typing import Any, Final

from flwr.serverapp import strategy as strategies

from harness.errors import InputError

CLIPPED_ON_CLIENTS: Final = "clipping_norm"
"""In a message's config: the ClientApp is to clip what it sends."""
DELTA: Final = 1e-5
_WEIGHT: Final = "num-examples"
_FIXED: Final = strategies.DifferentialPrivacyServerSideFixedClipping
_ADAPTIVE: Final = strategies.DifferentialPrivacyServerSideAdaptiveClipping
_ON_CLIENTS: Final = (
    strategies.DifferentialPrivacyClientSideFixedClipping,
    strategies.DifferentialPrivacyClientSideAdaptiveClipping,
)


def check_clipping(strategy: Any) -> None:
    """Check that a strategy does not count on clipping by a ClientApp.

    Raises:
        InputError: It does.
    """
    if isinstance(strategy, _ON_CLIENTS):
        raise no_clipping(type(strategy).__name__)


def no_clipping(who: str) -> InputError:
    """Return that nothing would be clipped, though noise is added as if it were."""
    return InputError(
        f"{who} leaves clipping to a ClientApp, and phones run none: nothing would be private",
        where="federated.strategy",
        hint="Take the wrapper that clips on the server: DifferentialPrivacyServerSide...",
    )


def promise_of(strategy: Any) -> dict[str, Any]:
    """Return what a wrapper does to the mean, for `harness.federated.flower.host.hear_answers`.

    Returns:
        Empty for a strategy that is no such wrapper; ``unknown`` with the reason, where epsilon
        cannot be told; else ``noise`` and ``clients`` (see `weighted_rho`), ``delta``, and
        ``count_noise``, the noise in the number of those clipped (adaptive clipping).
    """
    if not isinstance(strategy, (_FIXED, _ADAPTIVE)):
        return {}
    inner = strategy.strategy
    fedavg = strategies.FedAvg
    if getattr(type(inner), "aggregate_train", None) is not fedavg.aggregate_train:
        return {"unknown": f"the noise is made for FedAvg's mean, not for {type(inner).__name__}"}
    if inner.weighted_by_key != _WEIGHT:
        return {"unknown": f"clients are weighted by {inner.weighted_by_key}"}
    told = {
        "noise": float(strategy.noise_multiplier),
        "clients": int(strategy.num_sampled_clients),
        "delta": DELTA,
    }
    if isinstance(strategy, _ADAPTIVE):
        told["count_noise"] = float(strategy.clipped_count_stddev)
    if min(told["noise"], told.get("count_noise", 1.0)) <= 0:
        return {"unknown": "there is no noise"}
    return told
