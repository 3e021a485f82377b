"""PSS of the trainer: sparse, since it takes a phone hundreds of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping

from harness.readings.axes import MEMORY, mb
from harness.readings.bounds import MEMORY_MB
from harness.readings.declared import NOTES, Answer, Chart, Column, Command, Value
from harness.readings.meminfo_package import MeminfoPackage, parse_meminfo_package
from harness.readings.meminfo_proto import parse_meminfo_proto


def _take(answer: Answer) -> Mapping[str, Value]:
    """Take the total of the trainer's own process: a dump may hold others of its package too."""
    read = (parse_meminfo_proto if answer.proto else parse_meminfo_package)(answer.data)
    if not isinstance(read, MeminfoPackage) or answer.pid is None:
        return {}
    own = [process for process in read.processes if process.pid == answer.pid]
    if not own:
        return {}
    return {NOTES: "; ".join(read.notes), "trainer_pss_mb": mb(own[0].total_pss_kb)}


READING = Command(
    name="pss",
    command="dumpsys meminfo -s",
    is_message=parse_meminfo_proto,
    # ``system`` is Android's own process; where it is not to be had, the shell itself is asked for
    proto_tries={
        "pss_proto": "dumpsys meminfo -s --proto system",
        "own_pss_proto": "dumpsys meminfo -s --proto $$",
    },
    every_s=15.0,
    of_trainer=True,
    place="began",
    take=_take,
    columns=(
        Column(
            "trainer_pss_mb",
            "float32",
            "MiB",
            "PSS, MiB; sparse: dumpsys meminfo at its own period",
            bounds=MEMORY_MB,
            track="trainer PSS",
            chart=Chart(
                MEMORY, "trainer PSS", "peak", trainer=True, look="dots", sparse=True, brief=False
            ),
        ),
    ),
)
