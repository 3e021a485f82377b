"""CPU of the whole phone: the first line of ``/proc/stat``."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import CPU
from harness.readings.bounds import PERCENT
from harness.readings.declared import NOTES, BetweenTicks, Chart, Column, Value
from harness.readings.tick import Tick

_MOST_CORES = 256
_SLACK = 2.0
"""Two looks a second apart see at most twice as many ticks: a busy phone reads them late."""


def busy_and_total(before: Tick, after: Tick) -> tuple[int, int] | None:
    """Return the ticks of all cores that were busy, and all ticks, between two ticks.

    None where a counter is missing, ran backwards (idle time does on some kernels), or ran faster
    than time: the idle time of a core that goes off line jumps by hours (source: the kernel's
    ``get_idle_time`` in fs/proc/stat.c, which has two accounts of it).
    """
    if before.cpu is None or after.cpu is None:
        return None
    total = after.cpu.total - before.cpu.total
    busy = after.cpu.busy - before.cpu.busy
    if total <= 0 or not 0 <= busy <= total:
        return None
    went_by = (after.start_ms - before.start_ms) * after.clock_ticks / 1000
    cores = max(before.cores, after.cores) or _MOST_CORES
    most = cores * (_SLACK * went_by + after.clock_ticks)
    return (busy, total) if total <= most else None


def _take(before: Tick, after: Tick) -> Mapping[str, Value]:
    used = busy_and_total(before, after)
    if used is None:
        stand_still = before.cpu is None or after.cpu is None or before.cpu == after.cpu
        return {} if stand_still else {NOTES: "the CPU counters do not go with the clock"}
    return {"phone_cpu_percent": 100 * used[0] / used[1]}


READING = BetweenTicks(
    take=_take,
    columns=(
        Column(
            "phone_cpu_percent",
            "float32",
            "%",
            "CPU of the phone, percent of all cores",
            bounds=PERCENT,
            track="phone CPU",
            chart=Chart(CPU, "whole phone", "mean", least_gap_s=2.5, live=True),
        ),
    ),
)
