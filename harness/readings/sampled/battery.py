"""The battery, asked beside the loop. Sources: ``harness.readings.battery``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from harness.readings.axes import BATTERY, TEMPERATURE
from harness.readings.battery import parse_battery
from harness.readings.battery_proto import parse_battery_proto
from harness.readings.bounds import BATTERY_C, BATTERY_MV, CHARGE_RAW, PERCENT
from harness.readings.declared import NOTES, Answer, Chart, Column, Command, Value


@lru_cache(maxsize=256)
def _values(data: bytes, proto: bool) -> Mapping[str, Value]:
    """Read an answer; it often stays the same for many seconds."""
    battery = (parse_battery_proto if proto else parse_battery)(data)
    return {
        NOTES: "; ".join(battery.notes),
        "battery_percent": battery.percent,
        "battery_temperature_c": battery.temperature_c,
        "battery_voltage_mv": battery.voltage_mv,
        "battery_charge_counter": (
            None if battery.charge_counter_mah is None else battery.charge_counter_raw
        ),
        "battery_plugged": battery.plugged,
        "battery_updates_stopped": battery.updates_stopped,
    }


def _take(answer: Answer) -> Mapping[str, Value]:
    return _values(answer.data, answer.proto)


READING = Command(
    name="battery",
    command="dumpsys battery",
    sign="level:",
    is_message=parse_battery_proto,
    proto_tries={"battery_proto": "dumpsys battery --proto"},
    every_s=None,
    place="tick",
    absent="battery (dumpsys battery)",
    take=_take,
    columns=(
        Column(
            "battery_percent",
            "float32",
            "%",
            "charge, percent",
            bounds=PERCENT,
            track="battery",
            chart=Chart(BATTERY, "charge", "last", look="steps", live=True),
        ),
        Column(
            "battery_temperature_c",
            "float32",
            "°C",
            "temperature of the battery, °C",
            bounds=BATTERY_C,
            track="battery temperature",
            chart=Chart(TEMPERATURE, "battery", digits=1, sparse=True, instead_of="temperature_c"),
        ),
        Column(
            "battery_voltage_mv",
            "float32",
            "mV",
            "its voltage, mV",
            bounds=BATTERY_MV,
        ),
        Column(
            "battery_charge_counter",
            "float64",
            "",
            "counter of charge: raw, in the vendor's unit",
            bounds=CHARGE_RAW,
        ),
        Column(
            "battery_plugged",
            "bool",
            "",
            "a cable or a dock gives power",
        ),
        Column(
            "battery_updates_stopped",
            "bool",
            "",
            "somebody told Android to pretend: not measured",
        ),
    ),
)
