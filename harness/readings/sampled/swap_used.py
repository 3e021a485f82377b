"""Swap in use: ``/proc/meminfo``. On a phone it is compressed memory (zRAM), and costs CPU."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import mb
from harness.readings.bounds import MEMORY_MB
from harness.readings.declared import Axis, Chart, Column, EachTick, Value
from harness.readings.tick import Tick


def _take(tick: Tick) -> Mapping[str, Value]:
    memory = tick.meminfo
    if memory is None or memory.swap_total_kb is None or memory.swap_free_kb is None:
        return {}
    return {"swap_used_mb": mb(memory.swap_total_kb - memory.swap_free_kb)}


READING = EachTick(
    take=_take,
    columns=(
        Column(
            "swap_used_mb",
            "float32",
            "MiB",
            "swap in use: SwapTotal minus SwapFree, MiB",
            bounds=MEMORY_MB,
            track="swap used",
            chart=Chart(Axis("swap, MB", 50), "used", live=True),
        ),
    ),
)
