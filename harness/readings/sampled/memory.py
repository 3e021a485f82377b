"""Memory of the phone: ``/proc/meminfo``."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import MEMORY, mb
from harness.readings.bounds import MEMORY_MB
from harness.readings.declared import Chart, Column, EachTick, Value
from harness.readings.tick import Tick


def _take(tick: Tick) -> Mapping[str, Value]:
    memory = tick.meminfo
    if memory is None:
        return {}
    return {
        "total_mb": mb(memory.total_kb),
        "available_mb": mb(memory.available_kb),
        "free_mb": mb(memory.free_kb),
        "swap_free_mb": mb(memory.swap_free_kb),
    }


READING = EachTick(
    take=_take,
    columns=(
        Column(
            "total_mb",
            "float32",
            "MiB",
            "MemTotal, MiB",
            bounds=MEMORY_MB,
        ),
        Column(
            "available_mb",
            "float32",
            "MiB",
            "MemAvailable, MiB",
            bounds=MEMORY_MB,
            track="available RAM",
            chart=Chart(MEMORY, "available", "least", live=True),
        ),
        Column(
            "free_mb",
            "float32",
            "MiB",
            "MemFree, MiB",
            bounds=MEMORY_MB,
        ),
        Column(
            "swap_free_mb",
            "float32",
            "MiB",
            "SwapFree, MiB",
            bounds=MEMORY_MB,
        ),
    ),
)
