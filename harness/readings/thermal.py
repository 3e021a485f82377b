"""``dumpsys thermalservice`` (Android 10 to 16; empty before).

Source: AOSP ``ThermalManagerService.dump`` and ``android.os.Temperature``. "Cached" temperatures
may be hours old; only "from HAL" is now. Types 6 to 8 are volts, amperes and percent, not degrees.
"""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import (
    NotedReading,
    Reading,
    Unread,
    because,
    boolean,
    clean,
    decimal,
    failures,
    integer,
    lines,
)
from harness.readings.bounds import CELSIUS, THERMAL_STATUS
from harness.readings.errors import ReadingError

CPU, GPU, BATTERY, SKIN, USB, POWER_AMPLIFIER, NPU = 0, 1, 2, 3, 4, 5, 9
NOT_DEGREES = frozenset({6, 7, 8})
"""BCL voltage, current and percentage."""

_LEAST_C = 0.01
"""Nearer to zero is what a vendor prints for a sensor that is not there."""
_TEMPERATURE = re.compile(
    r"\s*Temperature\{mValue=([^,}]{1,40}), mType=(-?[0-9]{1,9}), "
    r"mName=(.{0,120}), mStatus=(-?[0-9]{1,9})\}"
)
_STATUS = re.compile(r"\s*Thermal Status: (-?[0-9]{1,9})")
_READY = re.compile(r"\s*HAL Ready: ([a-z]{1,8})")
_CONNECTION = re.compile(r"\s*(ThermalHAL .{1,40}?)\s{1,8}connected: ([a-z]{1,5})")


class Temperature(Reading):
    """One sensor."""

    name: str
    type: int
    value: float | None
    """Degrees Celsius unless ``type`` is in ``NOT_DEGREES``; None where it is no measurement."""
    status: int

    @property
    def celsius(self) -> float | None:
        """The value if it is a temperature."""
        return None if self.type in NOT_DEGREES else self.value


class Thermal(NotedReading):
    """What the thermal service says."""

    status: Annotated[int | None, THERMAL_STATUS] = None
    """0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown."""
    status_overridden: bool | None = None
    hal_ready: bool | None = None
    hal: str | None = None
    cached: tuple[Temperature, ...] = ()
    current: tuple[Temperature, ...] = ()

    def hottest_c(self, types: frozenset[int] = frozenset({CPU, SKIN})) -> float | None:
        """Return the highest believable current temperature of these sensor types, or None."""
        values = [t.celsius for t in self.current if t.type in types]
        return max((value for value in values if value is not None), default=None)


def parse_thermal(text: str | bytes) -> Thermal:
    """Read ``dumpsys thermalservice``; an empty dump (Android 8 and 9) is an empty reading.

    Raises:
        ReadingError: Text that no thermal service prints.
    """
    cleaned = clean(text)
    found: dict[str, object] = {}
    unread = Unread()
    groups: dict[str, list[Temperature]] = {"cached": [], "current": []}
    into: list[Temperature] | None = None
    kept = lines(cleaned)
    for line in kept:
        stripped = line.strip()
        if (match := _TEMPERATURE.match(line)) is not None:
            if into is not None:
                into.append(_sensor(match))
        elif stripped.startswith("Temperature{"):
            unread.add(line)
        elif stripped.startswith("Cached temperatures"):
            into = groups["cached"]
            found.setdefault("seen", True)
        elif stripped.startswith("Current temperatures from HAL"):
            into = groups["current"]
        elif (match := _STATUS.match(line)) is not None:
            found.setdefault("status", integer(match[1]))
        elif stripped.startswith("IsStatusOverride:"):
            found.setdefault("status_overridden", boolean(stripped.partition(":")[2]))
        elif (match := _READY.match(line)) is not None:
            found.setdefault("hal_ready", boolean(match[1]))
        elif (match := _CONNECTION.match(line)) is not None:
            found.setdefault("hal", match[1])
        elif stripped.endswith("from HAL:"):
            into = None
    if not found and not any(groups.values()) and "".join(kept).strip():
        why = because(cleaned, "no line of a thermal service")
        raise ReadingError("thermal", why, cleaned)
    found.pop("seen", None)
    sensors = [*groups["cached"], *groups["current"]]
    notes = (*failures(cleaned), *unread.notes(), *_silent(sensors))
    return Thermal.model_validate(
        {
            **found,
            "cached": tuple(groups["cached"]),
            "current": tuple(groups["current"]),
            "notes": notes,
        }
    )


def _sensor(match: re.Match[str]) -> Temperature:
    """Return a sensor; a value that is no temperature (0 K, 45123, a fake zero) is absent."""
    kind, value = int(match[2]), decimal(match[1])
    # what the type is not in degrees has other bounds; a vendor's zero with a remainder is a zero
    if value is not None and kind not in NOT_DEGREES:
        value = value if CELSIUS.hold(value) and abs(value) >= _LEAST_C else None
    return Temperature(name=match[3], type=kind, value=value, status=int(match[4]))


def _silent(sensors: list[Temperature]) -> tuple[str, ...]:
    names = list(dict.fromkeys(sensor.name for sensor in sensors if sensor.value is None))
    return (f"no measurement from {', '.join(names[:8])}",) if names else ()
