"""What a file's own order of operators costs and saves: time and peak memory of training steps.

``script/bench ordered [--model models/ds2-mini ...] [--sub-model S1 ...] [--batch-size 5 ...]
[--rounds 3] [--steps 6] [--json]``. LiteRT's XNNPACK delegate joins operators into clusters by
their data alone, so copies of weights move to the start of a step and live through it;
``experimental_disable_delegate_clustering`` keeps the file's order. Both ways run in turn, each in
a process of its own: its peak resident memory above what it held before the model was loaded, and
the median time of a step. Losses must agree.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from harness.trainer.manifest import load_manifest
from tests.benchmarks.training_process import in_a_process


@dataclass(frozen=True)
class Row:
    """A sub-model at a batch size: medians over rounds, and ratios ordered to clustered."""

    model: str
    sub_model: str
    batch_size: int
    clustered_mb: float
    ordered_mb: float
    clustered_seconds: float
    ordered_seconds: float
    memory_ratio: float
    time_ratio: float
    least_time_ratio: float
    most_time_ratio: float
    rounds: int
    losses_agree: bool


def measured(arguments: argparse.Namespace, folder: Path, batch_size: int, sub_model: str) -> Row:
    """Measure both ways in turn, as often as rounds are asked for."""
    manifest = load_manifest(folder)
    file = manifest.files[batch_size].path(folder)
    checkpoint = manifest.checkpoint.path(folder) if manifest.checkpoint else None
    clustered, ordered = [], []
    for _ in range(arguments.rounds):
        clustered.append(in_a_process(arguments, file, checkpoint, sub_model, "clustered"))
        ordered.append(in_a_process(arguments, file, checkpoint, sub_model, "ordered"))
    times = [o.step_seconds / c.step_seconds for o, c in zip(ordered, clustered, strict=True)]
    memory = [o.peak_mb / c.peak_mb for o, c in zip(ordered, clustered, strict=True)]
    return Row(
        model=folder.name,
        sub_model=sub_model,
        batch_size=batch_size,
        clustered_mb=round(statistics.median(p.peak_mb for p in clustered), 1),
        ordered_mb=round(statistics.median(p.peak_mb for p in ordered), 1),
        clustered_seconds=round(statistics.median(p.step_seconds for p in clustered), 4),
        ordered_seconds=round(statistics.median(p.step_seconds for p in ordered), 4),
        memory_ratio=round(statistics.median(memory), 3),
        time_ratio=round(statistics.median(times), 3),
        least_time_ratio=round(min(times), 3),
        most_time_ratio=round(max(times), 3),
        rounds=arguments.rounds,
        losses_agree=bool(np.allclose(clustered[0].losses, ordered[0].losses, rtol=1e-3)),
    )


def show(rows: list[Row]) -> None:
    """Print a table."""
    table = Table(title="XNNPACK's clusters -> the file's own order")
    table.add_column("sub-model")
    for name in ("batch", "peak MiB", "ratio", "step s", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            f"{row.model} {row.sub_model}",
            str(row.batch_size),
            f"{row.clustered_mb:.0f} -> {row.ordered_mb:.0f}",
            f"{row.memory_ratio:.2f}",
            f"{row.clustered_seconds:.3f} -> {row.ordered_seconds:.3f}",
            f"{row.time_ratio:.2f} ({row.least_time_ratio:.2f}-{row.most_time_ratio:.2f})",
        )
        if not row.losses_agree:
            table.add_row("[red]losses differ[/red]")
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench ordered", description=__doc__)
    parser.add_argument("--model", type=Path, nargs="+", default=[Path("models/ds2-mini")])
    parser.add_argument("--sub-model", nargs="+", default=None, help="default: first and last")
    parser.add_argument("--batch-size", type=int, nargs="+", default=None, help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cells = []
    for folder in arguments.model:
        manifest = load_manifest(folder)
        names = manifest.network.sub_model_names
        wanted = arguments.sub_model or dict.fromkeys((names[0], names[-1]))
        sizes = arguments.batch_size or sorted(manifest.files)
        cells += [(folder, size, name) for size in sizes for name in wanted]
    rows = [
        measured(arguments, *cell)
        for cell in track(cells, "measuring", console=Console(stderr=True))
    ]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
