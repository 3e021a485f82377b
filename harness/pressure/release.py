"""Waiting for a phone to be as it was before the pressure."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.pressure.control import Reading
from harness.pressure.errors import PressureError

RETURN_LIMIT_S = 10.0
"""How long MemAvailable may take to come back after the release."""
RETURN_SHARE = 0.05
"""MemAvailable counts as back within this share of what it was before."""


def await_return(
    read: Callable[[], Reading],
    idle: Reading | None,
    period_s: float,
) -> bool:
    """Wait until no ballast runs and MemAvailable is back; whether it came back in time.

    Args:
        read: Takes a reading that looks for all ballast services.
        idle: The phone before; None if it was not seen.
        period_s: Seconds between two readings.

    Raises:
        PressureError: Ballast still runs after ``RETURN_LIMIT_S``.
    """
    until = time.monotonic() + RETURN_LIMIT_S
    floor = 0.0 if idle is None else idle.value_mb * (1 - RETURN_SHARE)
    while True:
        reading = read()
        back = reading.value_mb >= floor
        if back and not reading.alive:
            return True
        if time.monotonic() >= until:
            if reading.alive:
                names = ", ".join(f"pid {pid}" for pid in reading.alive.values())
                raise PressureError(f"ballast still runs after its release: {names}")
            return False
        time.sleep(min(0.2, period_s))
