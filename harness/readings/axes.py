"""Axes that readings of several files share."""

from __future__ import annotations

from harness.readings.declared import Axis

CPU = Axis("CPU, %", 10, 84.0)
MEMORY = Axis("memory, MB", 20, 120.0)
BATTERY = Axis("battery, %", 30, from_zero=False)
TEMPERATURE = Axis("temperature, °C", 40, from_zero=False)


def mb(kb: int | None) -> float | None:
    """Return KiB as MiB."""
    return None if kb is None else kb / 1024
