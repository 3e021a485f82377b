"""CPU of the trainer: ``/proc/<pid>/stat``, which counts in ticks of 10 ms."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import CPU
from harness.readings.bounds import CPU_PERCENT_OF_ONE_CORE, PERCENT
from harness.readings.declared import BetweenTicks, Chart, Column, Value
from harness.readings.sampled.phone_cpu import busy_and_total
from harness.readings.tick import Tick


def _take(before: Tick, after: Tick) -> Mapping[str, Value]:
    old, new = before.process, after.process
    if old is None or new is None or (old.pid, old.starttime) != (new.pid, new.starttime):
        return {}
    seconds = (after.start_ms - before.start_ms) / 1000
    used = new.cpu_ticks - old.cpu_ticks
    if used < 0 or seconds <= 0:
        return {}
    of_phone = busy_and_total(before, after)
    return {
        "trainer_cpu_percent_one_core": 100 * used / after.clock_ticks / seconds,
        "trainer_cpu_percent_phone": min(100, 100 * used / of_phone[1]) if of_phone else None,
    }


READING = BetweenTicks(
    take=_take,
    columns=(
        Column(
            "trainer_cpu_percent_one_core",
            "float32",
            "%",
            "CPU of the trainer, percent of one core",
            bounds=CPU_PERCENT_OF_ONE_CORE,
            track="trainer CPU, of one core",
            chart=Chart(CPU, "trainer, one core", "mean", trainer=True, live=True),
        ),
        Column(
            "trainer_cpu_percent_phone",
            "float32",
            "%",
            "CPU of the trainer, percent of all cores",
            bounds=PERCENT,
        ),
    ),
)
