"""Each number of each kind of dump in turn is a sentinel: what comes of it can be, or is absent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from harness.readings import KINDS, ReadingError
from harness.readings.bounds import BATTERY_C, BATTERY_MV, CELSIUS, CHARGE_MAH, MEMORY_KB
from tests.unit.readings.texts import EXAMPLES

SENTINELS = (-(1 << 31), (1 << 31) - 1, -(1 << 63), (1 << 63) - 1, 999_999_999_999)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
LIMITS = {
    "_kb": MEMORY_KB.most,
    "_mah": CHARGE_MAH.most,
    "_mv": BATTERY_MV.most,
    "temperature_c": BATTERY_C.most,
    "hottest_c": CELSIUS.most,
    "level_percent": 100,
}
ADDRESSES = ("vm_size_kb", "vm_peak_kb")
"""How much of its address space a process uses: no amount of memory."""


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number of a reading with the name of its field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, name if name.endswith("rows_kb") else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param(kind, text, id=f"{kind}-{number}")
        for kind, texts in EXAMPLES.items()
        for number, text in enumerate(texts)
    ],
)
def test_no_number_of_a_dump_is_taken_for_what_it_cannot_be(kind: str, text: str) -> None:
    places = list(NUMBER.finditer(text))[:150]
    for turn, place in enumerate(places):
        sentinel = SENTINELS[turn % len(SENTINELS)]
        spoilt = f"{text[: place.start()]}{sentinel}{text[place.end() :]}"
        try:
            reading = KINDS[kind](spoilt)
        except ReadingError:
            continue
        whole = reading.model_dump() if hasattr(reading, "model_dump") else reading
        for name, value in numbers(whole):
            assert math.isfinite(value), (name, spoilt)
            for suffix, most in LIMITS.items():
                if name.endswith(suffix) and name not in ADDRESSES:
                    assert abs(value) <= most, (name, value, text[place.start() - 40 : place.end()])
