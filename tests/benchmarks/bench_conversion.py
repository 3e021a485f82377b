"""What converting a network takes: time, the converter's peak memory, and the file's size.

``script/bench conversion [--arch conformer-ee ...] [--batch-size 1] [--sub-model NAME ...]
[--json]``. Each conversion is a process of its own, as ``harness model build`` makes it, without
weights. The aim for the paper's Conformer is less than 300 s and 6 GiB: beyond it, the bench ends
with 1.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.configuration import layer_parameters
from harness.model.convert import convert

_MIB = 2**20
_KIB_PER_MIB = 1024
AIM_SECONDS = 300
AIM_MB = 6 * 1024


@dataclass(frozen=True)
class Row:
    """A network at a batch size."""

    network: str
    batch_size: int
    parameters: int
    seconds: float
    peak_mb: float
    """Of the largest process so far: the smallest networks first."""
    file_mb: float


def measured(name: str, size: int, sub_models: list[str] | None) -> Row:
    """Convert a network and look at what it took."""
    config = network(name).with_batch(size)
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        began = time.monotonic()
        out = convert(config, Path(folder) / "model.tflite", embed=False, sub_models=sub_models)
        seconds = time.monotonic() - began
        return Row(
            network=name,
            batch_size=size,
            parameters=sum(layer_parameters(config).values()),
            seconds=round(seconds, 1),
            peak_mb=round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _KIB_PER_MIB),
            file_mb=round(out.stat().st_size / _MIB, 1),
        )


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench conversion", description=__doc__)
    parser.add_argument("--arch", nargs="+", default=["conformer-ee"])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[1])
    parser.add_argument("--sub-model", nargs="+")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.arch:
        for size in arguments.batch_size:
            rows.append(measured(name, size, arguments.sub_model))
            print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        table = Table("network", "batch", "parameters", "s", "peak MiB", "file MiB")
        for row in rows:
            table.add_row(
                *(row.network, str(row.batch_size), f"{row.parameters:,}"),
                *(f"{row.seconds:.0f}", f"{row.peak_mb:.0f}", f"{row.file_mb:.1f}"),
            )
        Console().print(table)
    if any(row.seconds > AIM_SECONDS or row.peak_mb > AIM_MB for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
