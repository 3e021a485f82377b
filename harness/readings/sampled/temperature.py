"""Temperatures: what the thermal service says now. What it cached may be hours old."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from harness.readings.axes import TEMPERATURE
from harness.readings.bounds import CELSIUS, THERMAL_STATUS
from harness.readings.declared import NOTES, Answer, Chart, Column, Command, Value
from harness.readings.thermal import parse_thermal


@lru_cache(maxsize=64)
def _values(data: bytes) -> Mapping[str, Value]:
    begin, end = data.find(b"Cached temperatures:"), data.find(b"Current temperatures from HAL:")
    thermal = parse_thermal(data[:begin] + data[end:] if 0 <= begin < end else data)
    return {
        NOTES: "; ".join(thermal.notes),
        "temperature_c": thermal.hottest_c(),
        "thermal_status": thermal.status,
    }


def _take(answer: Answer) -> Mapping[str, Value]:
    return _values(answer.data)


READING = Command(
    name="thermal",
    command="dumpsys thermalservice",
    sign="Thermal Status",
    every_s=10.0,
    absent="temperatures (dumpsys thermalservice)",
    take=_take,
    columns=(
        Column(
            "temperature_c",
            "float32",
            "°C",
            "hottest CPU or skin sensor, °C; sparse",
            bounds=CELSIUS,
            track="hottest sensor",
            chart=Chart(TEMPERATURE, "hottest sensor", digits=1, sparse=True),
        ),
        Column(
            "thermal_status",
            "int32",
            "",
            "0 none, 1 light, 2 moderate (throttles) to 6 shutdown; sparse",
            bounds=THERMAL_STATUS,
        ),
    ),
)
