"""What making a network's flatbuffer takes: time, processor time, peak memory, size.

``script/bench conversion [NETWORK] [--outputs 4097] [--batch-size 1] [--sub-model NAME ...]
[--keep FILE] [--json]``. NETWORK is a name or a YAML file of sizes (default: the paper's Conformer,
with all its sub-models); its weights are random and stay out of the file. Beyond 300 s or 6 GiB,
the aim for that Conformer alone, it ends with 1. With ``--outputs`` it tells so many apart:
characters and word pieces, which are the first that there could be. The conversion is a process of
its own, as ``harness model build`` has it; its peak is that of this process' children.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.cli.model.common import config as network_of
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.trainer.flatfile import read_info

AIM_SECONDS = 300
AIM_MB = 6 * 1024


def of_outputs(config: NetworkConfig, outputs: int) -> NetworkConfig:
    """Return a network that tells so many outputs apart, the blank among them."""
    more = outputs - 1 - len(config.alphabet)
    letters = config.alphabet.replace(" ", "")
    pairs = [a + b for a in config.alphabet for b in letters]
    every = pairs + [pair + c for pair in pairs for c in letters]
    if not 0 <= more <= len(every):
        raise SystemExit(f"--outputs: {outputs - more} to {outputs - more + len(every)}")
    return replace(config, word_pieces=tuple(every[:more]))


def measured(config: NetworkConfig, out: Path, sub_models: list[str] | None) -> dict[str, Any]:
    """Convert a network and return what it took."""
    began = time.monotonic()
    convert(config, out, embed=False, sub_models=sub_models)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    info = read_info(out)
    return {
        "network": config.name,
        "parameters": sum(layer.parameters for layer in info.network.layers),
        "outputs": info.targets.outputs,
        "batch_size": config.batch_size,
        "sub_models": ", ".join(sub_models) if sub_models else "all",
        "seconds": round(time.monotonic() - began, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),  # KiB on Linux
        "size_mb": round(out.stat().st_size / 2**20, 2),
    }


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench conversion", description=__doc__)
    parser.add_argument("network", nargs="?", default="conformer-ee")
    parser.add_argument("--outputs", type=int)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--sub-model", action="append", help="[default: all]")
    parser.add_argument("--keep", type=Path, help="Write the file there.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    config = network_of(arguments.network).with_batch(arguments.batch_size)
    if arguments.outputs is not None:
        config = of_outputs(config, arguments.outputs)
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        out = arguments.keep or Path(folder) / "model.tflite"
        row = measured(config, out, arguments.sub_model)
    if arguments.json:
        print(json.dumps(row, indent=1))
    else:
        table = Table("", "", show_header=False)
        for name, value in row.items():
            table.add_row(
                name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)
            )
        Console().print(table)
    aimed_at = arguments.network == parser.get_default("network")
    if aimed_at and (row["seconds"] > AIM_SECONDS or row["peak_mb"] > AIM_MB):
        sys.exit(1)


if __name__ == "__main__":
    main()
