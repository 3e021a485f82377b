"""What share of each layer is kept, if layers whose weights are larger keep more (adaptive)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.pruning.names import Density


def layer_densities(
    norms: Sequence[float], level: float, rule: Density, counts: Sequence[int] = ()
) -> list[float]:
    """Return the share that each layer keeps.

    As printed, density = (1 - level) norm / (sum of norms), whose mean over L layers is (1 - level)
    / L: hence the other rules. Only ``by_parameters`` keeps ``1 - level`` of the parameters.

    Args:
        norms: Mean |w| of each layer.
        level: Share that is pruned.
        rule: ``uniform``: the same of each; ``printed``; ``times_L``: L times that, which may be
            more than 1; ``clip_redistribute``: none above 1, the mean over layers as asked;
            ``by_parameters``: likewise, the mean over parameters.
        counts: Parameters of each layer, for ``by_parameters``.
    """
    kept, total = 1 - level, sum(norms)
    if rule == "uniform" or total == 0:
        return [kept] * len(norms)
    if rule == "printed":
        return [kept * (norm / total) for norm in norms]
    if rule == "times_L":
        return [kept * len(norms) * (norm / total) for norm in norms]
    return _filled(norms, kept, counts if rule == "by_parameters" else [1] * len(norms))


def _filled(norms: Sequence[float], kept: float, weights: Sequence[int]) -> list[float]:
    """Return shares in the ratio of the norms, none above 1, whose weighted mean is ``kept``."""
    full: set[int] = set()
    while True:
        left = [n for n in range(len(norms)) if n not in full]
        room = kept * sum(weights) - sum(weights[n] for n in full)
        held = sum(weights[n] * norms[n] for n in left)
        if not left:
            return [1.0] * len(norms)
        if held == 0:  # what has no weights at all shares evenly what the others leave
            even = min(1.0, max(0.0, room / sum(weights[n] for n in left)))
            return [1.0 if n in full else even for n in range(len(norms))]
        factor = max(0.0, room / held)
        over = {n for n in left if factor * norms[n] > 1}
        if not over:
            return [1.0 if n in full else factor * norms[n] for n in range(len(norms))]
        full |= over
