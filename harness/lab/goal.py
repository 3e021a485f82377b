"""From what a scenario says of pressure to megabytes (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.scenario.schema import Pressure

LARGEST_MARGIN = 1.15
"""Room over its need that the largest candidate gets, since no larger one bounds it from above."""
MAX_TOLERANCE_MB = 48.0
MIN_TOLERANCE_MB = 2.0


@dataclass(frozen=True)
class Goal:
    """What the pressure loop is to hold.

    Args:
        available_mb: MemAvailable plus the trainer's own memory.
        tolerance_mb: How near is near enough.
        text: As the scenario wrote it.
    """

    available_mb: float
    tolerance_mb: float
    text: str


def pressure_goal(
    pressure: Pressure,
    need_mb: Mapping[str, float],
    candidates: Sequence[str],
    trainer_base_mb: float,
) -> Goal:
    """Return the goal of ``pressure`` for one model and batch size.

    ``fits: S5`` lies midway between the need of S5 and that of the next larger candidate, above
    what the trainer itself holds when it selects, so that exactly S5 is chosen with the most room
    for error on both sides. The tolerance is a quarter of the gap, so that no jitter within it
    changes the choice.

    Args:
        pressure: The scenario's goal.
        need_mb: Sub-model -> what training it adds to a fresh trainer (MiB).
        candidates: Sub-models the trainer may choose, largest first.
        trainer_base_mb: The trainer's own memory at the moment it selects (MiB).

    Raises:
        ValueError: ``need_mb`` lacks a sub-model that the goal speaks of, or the needs do not fall
            from candidate to candidate.
    """
    if pressure.available_mb is not None:
        return Goal(
            pressure.available_mb,
            pressure.tolerance_mb or _clamp(0.02 * pressure.available_mb),
            pressure.label,
        )
    wanted = str(pressure.fits)
    missing = [name for name in {wanted, *candidates} if name not in need_mb]
    if missing:
        raise ValueError(f"the model's manifest has no need_mb for {', '.join(sorted(missing))}")
    need = need_mb[wanted]
    # Forced sub-models need not be candidates; "larger" goes by need, not by name.
    larger = [need_mb[name] for name in candidates if need_mb[name] > need and name != wanted]
    if not larger and any(need_mb[name] >= need for name in candidates if name != wanted):
        raise ValueError(f"another candidate needs as much as {wanted}: no goal tells them apart")
    upper = min(larger) if larger else need * (2 * LARGEST_MARGIN - 1)
    gap = upper - need
    return Goal(
        need + gap / 2 + trainer_base_mb,
        pressure.tolerance_mb or _clamp(gap / 4),
        pressure.label,
    )


def _clamp(tolerance_mb: float) -> float:
    return min(MAX_TOLERANCE_MB, max(MIN_TOLERANCE_MB, tolerance_mb))
