"""CPU of the whole phone: the first line of ``/proc/stat``."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import CPU
from harness.readings.declared import BetweenTicks, Chart, Column, Value
from harness.readings.tick import Tick


def busy_and_total(before: Tick, after: Tick) -> tuple[int, int] | None:
    """Return the ticks of all cores that were busy, and all ticks, between two ticks.

    None where a counter is missing or ran backwards: idle time does on some kernels.
    """
    if before.cpu is None or after.cpu is None:
        return None
    total = after.cpu.total - before.cpu.total
    busy = after.cpu.busy - before.cpu.busy
    return (busy, total) if total > 0 and 0 <= busy <= total else None


def _take(before: Tick, after: Tick) -> Mapping[str, Value]:
    used = busy_and_total(before, after)
    return {} if used is None else {"phone_cpu_percent": 100 * used[0] / used[1]}


READING = BetweenTicks(
    take=_take,
    columns=(
        Column(
            "phone_cpu_percent",
            "float32",
            "%",
            "CPU of the phone, percent of all cores",
            least=0,
            most=100,
            track="phone CPU",
            chart=Chart(CPU, "whole phone", "mean", least_gap_s=2.5, live=True),
        ),
    ),
)
