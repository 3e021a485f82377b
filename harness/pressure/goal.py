"""From what a scenario asks of pressure to megabytes (pure).

The controlled figure is MemAvailable plus the trainer's own anonymous memory: what is there *for*
the trainer. It stays put while the trainer grows, so holding it holds the background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import InputError

LARGEST_MARGIN = 0.15
"""Room over its need that the largest candidate gets: no larger one bounds it from above."""
TOLERANCE_SHARE = 0.05
TOLERANCE_CAP_MB = 100.0
MIN_TOLERANCE_MB = 2.0


@dataclass(frozen=True)
class Goal:
    """What the loop is to hold.

    Args:
        available_mb: MemAvailable plus the trainer's own anonymous memory.
        tolerance_mb: How near is near enough.
        text: As the scenario wrote it, for example ``fits: S5``.
    """

    available_mb: float
    tolerance_mb: float
    text: str


def resolve_goal(
    *,
    available_mb: float | None = None,
    fits: str | None = None,
    candidates: Sequence[str] = (),
    need_mb: Mapping[str, float] | None = None,
    base_mb: float = 0.0,
    tolerance_mb: float | None = None,
) -> Goal:
    """Return the goal in MiB.

    ``fits: S5`` lies midway between the need of S5 and that of the next larger candidate, above
    what the trainer itself holds when it selects (``base_mb``), so that exactly S5 is chosen with
    the most room for error on both sides; the largest candidate gets ``LARGEST_MARGIN`` of its need
    as room. The tolerance of ``fits`` never exceeds a quarter of that gap, so that no jitter within
    it changes the choice.

    Raises:
        InputError: Neither or both goals; a need is unknown; two candidates need the same.
    """
    if (available_mb is None) == (fits is None):
        raise InputError("give either available_mb or fits", where="pressure")
    if available_mb is not None:
        if available_mb <= 0:
            raise InputError("must be above 0", where="pressure.available_mb")
        tolerance = tolerance_mb or min(TOLERANCE_SHARE * available_mb, TOLERANCE_CAP_MB)
        return Goal(
            available_mb, max(tolerance, MIN_TOLERANCE_MB), f"available_mb: {available_mb:g}"
        )
    wanted = str(fits)
    needs = need_mb or {}
    missing = [name for name in dict.fromkeys((wanted, *candidates)) if name not in needs]
    if missing:
        raise InputError(
            f"the model's manifest has no need_mb for {', '.join(missing)}", where="pressure.fits"
        )
    need = needs[wanted]
    others = [needs[name] for name in candidates if name != wanted]
    if need in others:
        raise InputError(
            f"another candidate needs {need:g} MB like {wanted}: no goal tells them apart",
            where="pressure.fits",
        )
    larger = [other for other in others if other > need]
    gap = min(larger) - need if larger else 2 * LARGEST_MARGIN * need
    goal = need + gap / 2 + base_mb
    tolerance = tolerance_mb or min(TOLERANCE_SHARE * goal, TOLERANCE_CAP_MB)
    return Goal(goal, min(tolerance, gap / 4), f"fits: {wanted}")
