"""``dumpsys battery`` (Android 8 to 16).

Source: AOSP ``BatteryService.dumpInternal``. Vendors add lines, and Android 15 adds sentences that
contain the word "voltage": only exact keys count, and the first occurrence wins.
"""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import (
    NotedReading,
    Unread,
    because,
    boolean,
    clean,
    failures,
    integer,
    lines,
)
from harness.readings.bounds import (
    BATTERY_C,
    BATTERY_HEALTH,
    BATTERY_MV,
    BATTERY_STATUS,
    CHARGE_MAH,
    CHARGER_UA,
    CHARGER_UV,
    PERCENT,
)
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


class Battery(NotedReading):
    """What the battery service says.

    ``level``, ``scale`` and the ``_raw`` values are what was printed, in the vendor's own unit and
    whatever it is worth. All others are measurements, and absent where there is none: all of them
    where no battery is present (a TV box, a board in a rack).
    """

    ac_powered: bool | None = None
    usb_powered: bool | None = None
    wireless_powered: bool | None = None
    dock_powered: bool | None = None
    plugged: bool | None = None
    """Any power source; None when the phone named none of them."""
    max_charging_current_ua: Annotated[int | None, CHARGER_UA] = None
    max_charging_voltage_uv: Annotated[int | None, CHARGER_UV] = None
    charge_counter_raw: int | None = None
    """µAh by AOSP; some vendors print mAh."""
    charge_counter_mah: Annotated[float | None, CHARGE_MAH] = None
    """From ``charge_counter_raw``, whose unit its size tells: see ``charge_mah``."""
    status: Annotated[int | None, BATTERY_STATUS] = None
    status_name: str | None = None
    health: Annotated[int | None, BATTERY_HEALTH] = None
    present: bool | None = None
    level: int | None = None
    scale: int | None = None
    percent: Annotated[float | None, PERCENT] = None
    """100 * level / scale."""
    voltage_raw: int | None = None
    voltage_mv: Annotated[float | None, BATTERY_MV] = None
    """From ``voltage_raw``: mV by AOSP; volts (TV boxes) and µV are recognised by their size."""
    temperature_raw: int | None = None
    temperature_c: Annotated[float | None, BATTERY_C] = None
    """From ``temperature_raw``, whose unit its size tells: see ``battery_celsius``."""
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
    if raw is None or raw == 0:
        return None
    if 0 < raw < 100:
        return raw * 1000.0
    return raw / 1000.0 if raw > 100_000 else float(raw)


def charge_mah(raw: int | None) -> float | None:
    """Return a charge in mAh; None where it is none.

    A phone that answers has at least 1 % of its battery, which is more than 20 mAh (20 000 µAh),
    and at most some 15 000 mAh: so 748 is mAh and 3 007 502 is µAh. Zero says nothing.
    """
    charge = _mah(raw)
    return charge if charge is not None and CHARGE_MAH.hold(charge) else None


def _mah(raw: int | None) -> float | None:
    if raw is None or raw == 0:
        return None
    return raw / 1000.0 if raw > 20_000 else float(raw)


def battery_celsius(raw: int | None) -> float | None:
    """Return a temperature in °C.

    AOSP prints tenths of a degree. TV boxes and boards print whole degrees, a few drivers
    thousandths. The rule: 1 to 99 are whole degrees (26 is 26 °C; as tenths it would be 2.6 °C,
    where no phone of a lab is), from 10000 on it is thousandths (31250 is 31.25 °C), all else
    tenths, also below zero. 0 is what a driver says that measures nothing.
    """
    if raw is None or raw == 0:
        return None
    if 0 < raw < 100:
        return float(raw)
    return raw / 1000.0 if 10_000 <= raw <= 100_000 else raw / 10.0


def parse_battery(text: str | bytes) -> Battery:
    """Read ``dumpsys battery``.

    Raises:
        ReadingError: Not one line of a battery service.
    """
    cleaned = clean(text)
    fields: dict[str, object] = {}
    stopped = False
    unread = Unread()
    for line in lines(cleaned):
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
            fields.setdefault(_BOOLEANS[key], _counted(boolean(value), line, unread))
        elif key in _INTEGERS:
            fields.setdefault(_INTEGERS[key], _counted(integer(value), line, unread))
        elif key == "technology" and value:
            fields.setdefault("technology", value)
    if all(value is None for value in fields.values()):
        raise ReadingError("battery", because(cleaned, "no line of a battery service"), cleaned)
    return complete(fields, stopped, (*failures(cleaned), *unread.notes()))


def _counted(value: int | bool | None, line: str, unread: Unread) -> int | bool | None:
    if value is None:
        unread.add(line)
    return value


_MEASURED = (
    "percent",
    "voltage_mv",
    "charge_counter_mah",
    "temperature_c",
    "status",
    "status_name",
    "health",
)
"""What only a battery has."""


def complete(
    fields: dict[str, object], stopped: bool = False, notes: tuple[str, ...] = ()
) -> Battery:
    """Return the reading of the printed fields, with what follows from them."""
    printed = Battery.model_validate({**fields, "notes": notes})
    sources = (
        printed.ac_powered,
        printed.usb_powered,
        printed.wireless_powered,
        printed.dock_powered,
    )
    known = [source for source in sources if source is not None]
    level, scale = printed.level, printed.scale
    measured: dict[str, object] = {
        "percent": 100.0 * level / scale if level is not None and scale and scale > 0 else None,
        "voltage_mv": _voltage_mv(printed.voltage_raw),
        "charge_counter_mah": _mah(printed.charge_counter_raw),
        "temperature_c": battery_celsius(printed.temperature_raw),
        "status_name": STATUS_NAMES.get(printed.status) if printed.status else None,
    }
    if printed.present is False:
        measured = dict.fromkeys(_MEASURED)
        notes = (*notes, *(f"{name}: no battery is present" for name in _MEASURED))
    else:
        zeros = {"temperature_c": printed.temperature_raw, "voltage_mv": printed.voltage_raw,
                 "charge_counter_mah": printed.charge_counter_raw}  # fmt: skip
        notes = (*notes, *(f"{name}: 0 says nothing" for name, raw in zeros.items() if raw == 0))
    return Battery.model_validate(
        {
            **fields,
            **measured,
            "plugged": any(known) if known else None,
            "updates_stopped": stopped,
            "notes": notes,
        }
    )
