"""What values a phone can have at all: one table, with units. Outside of it is no measurement.

Services print what a driver left in a register: INT_MIN, INT_MAX, 0 K, a voltage in microvolts.
Such a value is absent, with a note, wherever it is used: in a reading, a gate, a sample, a report.
A field of a reading names its row as ``Annotated[float | None, BATTERY_C]``, a column of the
samples as ``bounds=BATTERY_C``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """The least and the most that a quantity can be.

    Attributes:
        least: The smallest value that is a measurement.
        most: The largest.
        unit: Of both.
    """

    least: float
    most: float
    unit: str = ""

    def hold(self, value: float) -> bool:
        """Return whether a value is within (NaN never is)."""
        return self.least <= value <= self.most

    def refusal(self, value: float) -> str:
        """Return why a value is none, in words."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{value:.12g}{unit} is no measurement ({self.least:g} to {self.most:g}{unit})"


CELSIUS = Bounds(-40, 150, "°C")
"""Of a sensor on the chip or at the skin; silicon shuts itself down below 150."""
BATTERY_C = Bounds(-40, 100, "°C")
"""A lithium cell burns before; the cold end is that of electronics."""
BATTERY_DECI_C = Bounds(-400, 1000, "0.1 °C")
"""The same as Android's services have it."""
PERCENT = Bounds(0, 100, "%")
CPU_PERCENT_OF_ONE_CORE = Bounds(0, 100 * 256, "%")
"""No phone has more than 256 cores."""
BATTERY_MV = Bounds(1000, 30_000, "mV")
"""From an empty cell to the supply of a TV box."""
CHARGE_MAH = Bounds(1, 30_000, "mAh")
DISCHARGE_MAH = Bounds(0, 30_000, "mAh")
"""Taken since the last full charge."""
CHARGE_RAW = Bounds(1, 30_000_000)
"""In mAh or µAh, as the vendor has it."""
CURRENT_RAW = Bounds(-20_000_000, 20_000_000)
"""In mA or µA, of either sign."""
CHARGER_UA = Bounds(0, 20_000_000, "µA")
CHARGER_UV = Bounds(0, 60_000_000, "µV")
BATTERY_STATUS = Bounds(1, 5)
"""``BatteryManager.BATTERY_STATUS_*``."""
BATTERY_HEALTH = Bounds(1, 12)
"""``BatteryManager.BATTERY_HEALTH_*``, and those that vendors add."""
THERMAL_STATUS = Bounds(0, 6)
"""``PowerManager.THERMAL_STATUS_*``."""
MEMORY_KB = Bounds(0, 1 << 30, "KiB")
"""No phone has more than 1 TiB."""
MEMORY_MB = Bounds(0, 1 << 20, "MiB")
"""The same."""
SIGNED_MEMORY_KB = Bounds(-(1 << 30), 1 << 30, "KiB")
"""Of a difference."""
GPU_MHZ = Bounds(1, 5000, "MHz")
PID = Bounds(1, 1 << 30)
