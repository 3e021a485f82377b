"""``dumpsys battery`` (Android 8 to 16).

Source: AOSP ``BatteryService.dumpInternal``. Vendors add lines, and Android 15 adds sentences that
contain the word "voltage": only exact keys count, and the first occurrence wins.
"""

from __future__ import annotations

import re

from harness.readings.base import Reading, boolean, clean, integer, lines
from harness.readings.errors import ReadingError

_LINE = re.compile(r"\s{1,8}([A-Za-z][A-Za-z ]{0,40}):\s?(.{0,200})", re.ASCII)
STATUS_NAMES = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}

_BOOLEANS = {
    "AC powered": "ac_powered",
    "USB powered": "usb_powered",
    "Wireless powered": "wireless_powered",
    "Dock powered": "dock_powered",
    "present": "present",
}
_INTEGERS = {
    "Max charging current": "max_charging_current_ua",
    "Max charging voltage": "max_charging_voltage_uv",
    "Charge counter": "charge_counter_raw",
    "status": "status",
    "health": "health",
    "level": "level",
    "scale": "scale",
    "voltage": "voltage_raw",
    "temperature": "temperature_raw",
    "current now": "current_now_raw",
    "Charging state": "charging_state",
    "Charging policy": "charging_policy",
    "Capacity level": "capacity_level",
    "Maximum capacity": "maximum_capacity_raw",
    "Design capacity": "design_capacity_raw",
}


class Battery(Reading):
    """What the battery service says; ``_raw`` values are in the vendor's own unit."""

    ac_powered: bool | None = None
    usb_powered: bool | None = None
    wireless_powered: bool | None = None
    dock_powered: bool | None = None
    plugged: bool | None = None
    """Any power source; None when the phone named none of them."""
    max_charging_current_ua: int | None = None
    max_charging_voltage_uv: int | None = None
    charge_counter_raw: int | None = None
    """µAh by AOSP; some vendors print mAh."""
    charge_counter_mah: float | None = None
    """From ``charge_counter_raw``, whose unit its size tells: see ``charge_mah``."""
    status: int | None = None
    status_name: str | None = None
    health: int | None = None
    present: bool | None = None
    level: int | None = None
    scale: int | None = None
    percent: float | None = None
    """100 * level / scale."""
    voltage_raw: int | None = None
    voltage_mv: float | None = None
    """From ``voltage_raw``: mV by AOSP; volts (TV boxes) and µV are recognised by their size."""
    temperature_raw: int | None = None
    temperature_c: float | None = None
    """``temperature_raw`` / 10 as AOSP prints it; some boxes print whole degrees."""
    technology: str | None = None
    current_now_raw: int | None = None
    """Vendor's own unit and sign (Samsung: mA, + is charging)."""
    charging_state: int | None = None
    charging_policy: int | None = None
    capacity_level: int | None = None
    maximum_capacity_raw: int | None = None
    design_capacity_raw: int | None = None
    updates_stopped: bool = False
    """Somebody faked a value (``dumpsys battery set`` or ``unplug``): not measured by the phone."""


def _voltage_mv(raw: int | None) -> float | None:
    if raw is None or raw <= 0:
        return None
    if raw < 100:
        return raw * 1000.0
    return raw / 1000.0 if raw > 100_000 else float(raw)


def charge_mah(raw: int | None) -> float | None:
    """Return a charge in mAh.

    A phone that answers has at least 1 % of its battery, which is more than 20 mAh (20 000 µAh),
    and at most some 15 000 mAh: so 748 is mAh and 3 007 502 is µAh. Zero says nothing.
    """
    if raw is None or raw <= 0:
        return None
    return raw / 1000.0 if raw > 20_000 else float(raw)


def parse_battery(text: str | bytes) -> Battery:
    """Read ``dumpsys battery``.

    Raises:
        ReadingError: Not one line of a battery service.
    """
    found: dict[str, object] = {}
    stopped = False
    for line in lines(text):
        stripped = line.strip()
        if stripped.startswith("["):
            break  # Samsung's history follows, with more "level:" and "temperature:"
        if "UPDATES STOPPED" in line:
            stopped = True
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        key, value = match[1], match[2].strip()
        if key in _BOOLEANS:
            found.setdefault(_BOOLEANS[key], boolean(value))
        elif key in _INTEGERS:
            found.setdefault(_INTEGERS[key], integer(value))
        elif key == "technology" and value:
            found.setdefault("technology", value)
    if all(value is None for value in found.values()):
        raise ReadingError("battery", "no line of a battery service", clean(text[:160]))
    return complete(Battery.model_validate(found), stopped)


def complete(battery: Battery, stopped: bool) -> Battery:
    """Return the reading with what follows from its fields."""
    powered = (
        battery.ac_powered,
        battery.usb_powered,
        battery.wireless_powered,
        battery.dock_powered,
    )
    known = [value for value in powered if value is not None]
    level, scale, raw = battery.level, battery.scale, battery.temperature_raw
    percent = None
    if level is not None and scale is not None and 0 <= level <= scale and scale > 0:
        percent = 100.0 * level / scale
    return battery.model_copy(
        update={
            "plugged": any(known) if known else None,
            "percent": percent,
            "voltage_mv": _voltage_mv(battery.voltage_raw),
            "charge_counter_mah": charge_mah(battery.charge_counter_raw),
            "temperature_c": None if raw is None else raw / 10.0,
            "status_name": STATUS_NAMES.get(battery.status) if battery.status else None,
            "updates_stopped": stopped,
        }
    )
