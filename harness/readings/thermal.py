"""``dumpsys thermalservice`` (Android 10 to 16; empty before).

Source: AOSP ``ThermalManagerService.dump`` and ``android.os.Temperature``. "Cached" temperatures
may be hours old; only "from HAL" is now. Types 6 to 8 are volts, amperes and percent, not degrees.
"""

from __future__ import annotations

import re

from harness.readings.base import Reading, boolean, clean, decimal, integer, lines
from harness.readings.errors import ReadingError

CPU, GPU, BATTERY, SKIN, USB, POWER_AMPLIFIER, NPU = 0, 1, 2, 3, 4, 5, 9
NOT_DEGREES = frozenset({6, 7, 8})
"""BCL voltage, current and percentage."""

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
    """Degrees Celsius unless ``type`` is in ``NOT_DEGREES``; None when the HAL says NaN."""
    status: int

    @property
    def celsius(self) -> float | None:
        """The value if it is a believable temperature: some vendors report fake zeros."""
        if self.value is None or self.type in NOT_DEGREES or not -40 <= self.value <= 150:
            return None
        return None if self.value == 0 else self.value


class Thermal(Reading):
    """What the thermal service says."""

    status: int | None = None
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
    found: dict[str, object] = {}
    groups: dict[str, list[Temperature]] = {"cached": [], "current": []}
    into: list[Temperature] | None = None
    kept = lines(text)
    for line in kept:
        stripped = line.strip()
        if (match := _TEMPERATURE.match(line)) is not None:
            if into is not None:
                value = decimal(match[1])
                into.append(
                    Temperature(
                        name=match[3], type=int(match[2]), value=value, status=int(match[4])
                    )
                )
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
        raise ReadingError("thermal", "no line of a thermal service", clean(text[:160]))
    found.pop("seen", None)
    return Thermal.model_validate(
        {**found, "cached": tuple(groups["cached"]), "current": tuple(groups["current"])}
    )
