"""``dumpsys battery --proto`` (Android 8 and later).

Source: AOSP ``core/proto/android/service/battery.proto`` (``BatteryServiceDumpProto``; its field
numbers are those of Android 8) and ``BatteryService.dumpProto``. It names one power source only,
the first of AC, USB, wireless and dock, and has nothing of what vendors add to the text.
"""

from __future__ import annotations

from harness.readings.battery import Battery, complete
from harness.readings.errors import ReadingError
from harness.readings.wire import Message

# In the order in which they are written; ``scale`` is never zero.
_STOPPED, _PLUGGED, _CURRENT, _VOLTAGE_MAX, _CHARGE, _STATUS, _HEALTH, _PRESENT = range(1, 9)
_LEVEL, _SCALE, _VOLTAGE, _TEMPERATURE, _TECHNOLOGY = range(9, 14)
_SOURCES = {1: "ac_powered", 2: "usb_powered", 4: "wireless_powered", 8: "dock_powered"}


def parse_battery_proto(data: bytes) -> Battery:
    """Read ``dumpsys battery --proto``.

    Raises:
        ReadingError: Not such a message.
    """
    message = Message("battery", data)
    scale = message.integer(_SCALE)
    if not scale or not 0 < scale <= 1_000_000:
        raise ReadingError("battery", "no scale in the message", repr(data[:60]))

    def number(field: int) -> int | None:
        return message.number(field, *range(field + 1, _TECHNOLOGY + 1))

    plugged = number(_PLUGGED)
    fields: dict[str, object] = {
        "max_charging_current_ua": number(_CURRENT),
        "max_charging_voltage_uv": number(_VOLTAGE_MAX),
        "charge_counter_raw": number(_CHARGE),
        "status": number(_STATUS),
        "health": number(_HEALTH),
        "present": None if (present := number(_PRESENT)) is None else bool(present),
        "level": number(_LEVEL),
        "scale": scale,
        "voltage_raw": number(_VOLTAGE),
        "temperature_raw": number(_TEMPERATURE),
        "technology": message.text(_TECHNOLOGY),
    }
    if plugged == 0:
        fields.update(ac_powered=False, usb_powered=False, wireless_powered=False)
    elif plugged in _SOURCES:
        # those before it in the order above are off; of those behind it nothing is said
        for value, name in _SOURCES.items():
            if value <= plugged:
                fields[name] = value == plugged
    return complete(fields, bool(number(_STOPPED)))
