"""``dumpsys batterystats --checkin`` (versions 9 to 36 of the format seen).

Source: AOSP ``BatteryStats.dumpCheckinLocked`` and its history printer. Only what a bench needs:
versions, the battery history, discharge and the power table; wake locks and jobs are left out.
"""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import Reading, clean, decimal, integer, lines
from harness.readings.bounds import (
    BATTERY_DECI_C,
    BATTERY_MV,
    CHARGE_MAH,
    CHARGE_RAW,
    DISCHARGE_MAH,
    PERCENT,
)
from harness.readings.errors import ReadingError

_DELTA = re.compile(r"([0-9]{1,15})(?::([A-Z*]{1,20})(?::TIME:([0-9]{1,18}))?(?::([0-9]{1,18}))?)?")


class BatteryPoint(Reading):
    """The battery at one moment of the history; values hold until the next one."""

    t_ms: int
    """Since the first line of the history."""
    level_percent: Annotated[int | None, PERCENT] = None
    temperature_raw: Annotated[int | None, BATTERY_DECI_C] = None
    """0.1 °C."""
    voltage_mv: Annotated[int | None, BATTERY_MV] = None
    charge_raw: Annotated[int | None, CHARGE_RAW] = None
    """``Bcc``: mAh as AOSP prints it."""
    status: str | None = None
    """c charging, d discharging, n not charging, f full."""
    plug: str | None = None
    """u USB, a AC, w wireless, n none."""


class PowerItem(Reading):
    """One line of the power table."""

    uid: int | None
    label: str
    mah: Annotated[float | None, DISCHARGE_MAH] = None


class Batterystats(Reading):
    """What the phone itself accounted for."""

    checkin_version: int | None = None
    parcel_version: int | None = None
    platform: str | None = None
    reset_time_ms: int | None = None
    history: tuple[BatteryPoint, ...] = ()
    time_on_battery_ms: int | None = None
    level_start: Annotated[int | None, PERCENT] = None
    level_now: Annotated[int | None, PERCENT] = None
    discharge_mah: Annotated[float | None, DISCHARGE_MAH] = None
    capacity_mah: Annotated[float | None, CHARGE_MAH] = None
    power: tuple[PowerItem, ...] = ()


_BATTERY = {
    "Bl": "level_percent",
    "Bt": "temperature_raw",
    "Bv": "voltage_mv",
    "Bcc": "charge_raw",
    "Bs": "status",
    "Bp": "plug",
}


def _history_line(fields: list[str], t_ms: int) -> tuple[int, int | None, BatteryPoint | None]:
    """Return the new time, a reset time if the line names one, and a point if it has one."""
    match = _DELTA.match(fields[2])
    if match is None:
        return t_ms, None, None
    t_ms += int(match[1])
    reset = integer(match[3] or "") if match[2] == "RESET" else None
    values: dict[str, object] = {}
    for field in fields[3:]:
        key, _, value = field.partition("=")
        name = _BATTERY.get(key)
        if name is not None and value:
            values[name] = value[:20] if name in ("status", "plug") else integer(value)
    if all(value is None for value in values.values()):
        return t_ms, reset, None
    return t_ms, reset, BatteryPoint.model_validate({"t_ms": t_ms, **values})


def _power_item(fields: list[str]) -> PowerItem | None:
    mah = decimal(fields[5]) if len(fields) > 5 else None
    if mah is None:
        return None
    return PowerItem(uid=integer(fields[1]), label=fields[4], mah=mah)


def parse_batterystats(text: str | bytes) -> Batterystats:
    """Read ``dumpsys batterystats --checkin``.

    Raises:
        ReadingError: No line of the format.
    """
    figures: dict[str, object] = {}
    history: list[BatteryPoint] = []
    power: list[PowerItem] = []
    t_ms = 0
    recognised = False
    for line in lines(text):
        fields = line.strip().split(",")
        if len(fields) < 3 or integer(fields[0]) is None:
            continue
        kind = fields[3] if len(fields) > 3 else ""
        if fields[1] == "h":
            recognised = True
            t_ms, reset, point = _history_line(fields, t_ms)
            if reset is not None:
                figures.setdefault("reset_time_ms", reset)
            if point is not None:
                history.append(point)
        elif fields[1] == "hsp":
            recognised = True
        elif kind == "vers":
            recognised = True
            figures.setdefault("checkin_version", integer(fields[4]) if len(fields) > 4 else None)
            figures.setdefault("parcel_version", integer(fields[5]) if len(fields) > 5 else None)
            figures.setdefault("platform", fields[7] if len(fields) > 7 else None)
        elif kind == "bt" and len(fields) > 5:
            figures.setdefault("time_on_battery_ms", integer(fields[5]))
        elif kind == "lv" and len(fields) > 5:
            figures.setdefault("level_start", integer(fields[4]))
            figures.setdefault("level_now", integer(fields[5]))
        elif kind == "pws" and len(fields) > 5:
            figures.setdefault("capacity_mah", decimal(fields[4]))
            figures.setdefault("discharge_mah", decimal(fields[5]))
        elif kind == "pwi" and (item := _power_item(fields)) is not None:
            power.append(item)
    recognised = recognised or bool(power) or any(v is not None for v in figures.values())
    if not recognised:
        raise ReadingError("batterystats", "no checkin line", clean(text[:160]))
    return Batterystats.model_validate(
        {**figures, "history": tuple(history), "power": tuple(power)}
    )
