"""How much is pruned in a round, and in which of three phases it is."""

from __future__ import annotations

from harness.pruning.names import Phase, Schedule


def level_in(schedule: Schedule, level: float, round_: int, rise: int = 1, steps: int = 1) -> float:
    """Return the share that is pruned in a round.

    The paper does not print its schedule. ``stepped`` is there with its first step in round 1,
    ``cubic`` begins with nothing and rises ever more slowly (Zhu and Gupta 2017, arXiv 1710.01878).

    Args:
        schedule: How it rises.
        level: Where it rises to, from 0 to below 1.
        round_: From 1.
        rise: Rounds in which it rises.
        steps: Of ``stepped``: how many, evenly spread over ``rise``.
    """
    if schedule == "constant":
        return level
    if schedule == "stepped":
        done = -(-round_ * steps // rise)
        return level * min(done, steps) / steps
    return level * (1 - (1 - min(round_ - 1, rise) / rise) ** 3)


def risen(schedule: Schedule, rise: int) -> int:
    """Return the rounds of the first phase, in which the level is not yet there."""
    return {"constant": 0, "stepped": rise - 1, "cubic": rise}[schedule]


def phase_in(schedule: Schedule, round_: int, rise: int, refine: int | None) -> Phase:
    """Return the phase of a round.

    Args:
        schedule: How the level rises.
        round_: From 1.
        rise: Rounds in which it rises.
        refine: Rounds of the second phase, at least 1; None: all that are left.
    """
    first = risen(schedule, rise)
    if round_ <= first:
        return "prune"
    if refine is None or round_ <= first + refine:
        return "refine"
    return "fine_tune"
