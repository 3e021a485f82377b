"""Memory of the trainer: ``/proc/<pid>/statm`` and ``status``."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import MEMORY, mb
from harness.readings.bounds import MEMORY_MB, PID
from harness.readings.declared import Chart, Column, EachTick, Value
from harness.readings.tick import Tick


def _take(tick: Tick) -> Mapping[str, Value]:
    process = tick.process
    if process is None:
        return {}
    return {
        "trainer_pid": process.pid,
        "trainer_rss_mb": mb(process.rss_kb),
        "trainer_swap_mb": mb(process.swap_kb),
        "trainer_anon_mb": mb(process.anon_kb),
    }


READING = EachTick(
    take=_take,
    columns=(
        Column(
            "trainer_pid",
            "int32",
            "",
            "process of the trainer",
            bounds=PID,
        ),
        Column(
            "trainer_rss_mb",
            "float32",
            "MiB",
            "resident memory of the trainer, MiB",
            bounds=MEMORY_MB,
            track="trainer RSS",
            chart=Chart(MEMORY, "trainer RSS", "peak", trainer=True, live=True),
        ),
        Column(
            "trainer_swap_mb",
            "float32",
            "MiB",
            "swapped memory of the trainer, MiB",
            bounds=MEMORY_MB,
        ),
        Column(
            "trainer_anon_mb",
            "float32",
            "MiB",
            "what it adds to available_mb when it ends, MiB",
            bounds=MEMORY_MB,
        ),
    ),
)
