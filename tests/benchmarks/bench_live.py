"""What a training step holds at once: by the file alone, and in processes that take steps.

``script/bench live [--model models/conformer-mini ...] [--arch conformer-ee ...]
[--sub-model all upto1 ...] [--batch-size 1 5] [--steps 3] [--json]``. Networks of ``--arch`` are
converted first (minutes). *Held* is what operators have made and others still need, at most, in the
file's order, weights and moments apart (`harness.model.live`). *File's order* and *clusters* are
the peak of a fresh process above what it held with the weights loaded, in that order and as phones
run: they hold the moments, too, and what LiteRT takes beside.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.convert import convert
from harness.model.folder import write_checkpoint
from harness.model.initial import initial_weights
from harness.model.live import training_peak
from harness.trainer.manifest import load_manifest
from tests.benchmarks.training_process import in_a_process

_MIB = 2**20


@dataclass(frozen=True)
class Row:
    """A sub-model at a batch size, MiB."""

    model: str
    batch_size: int
    sub_model: str
    held_mb: float
    ordered_mb: float
    clustered_mb: float
    weights_mb: float
    """Of the layers that train, once."""


def measured(
    arguments: argparse.Namespace, name: str, size: int, file: Path, checkpoint: Path | None
) -> list[Row]:
    """Measure sub-models of a file, each in processes of its own."""
    from harness.trainer.flatfile import read_info

    described = read_info(file).network
    rows = []
    for sub_model in arguments.sub_model or described.sub_model_names:
        ways = {
            way: in_a_process(arguments, file, checkpoint, sub_model, way, apart=True)
            for way in ("ordered", "clustered")
        }
        added = {way: made.peak_mb - made.loaded_mb for way, made in ways.items()}
        row = Row(
            model=name,
            batch_size=size,
            sub_model=sub_model,
            held_mb=round(training_peak(file, sub_model).bytes / _MIB, 1),
            ordered_mb=round(added["ordered"], 1),
            clustered_mb=round(added["clustered"], 1),
            weights_mb=round(4 * described.trained_parameters(sub_model) / _MIB, 1),
        )
        print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def show(rows: list[Row]) -> None:
    """Print a table."""
    table = Table(title="What a training step holds at once, MiB")
    for name in ("model", "batch", "sub-model"):
        table.add_column(name)
    for name in ("held", "file's order", "clusters", "weights that train"):
        table.add_column(name, justify="right")
    for row in rows:
        figures = (row.held_mb, row.ordered_mb, row.clustered_mb, row.weights_mb)
        named = (row.model, str(row.batch_size), row.sub_model)
        table.add_row(*named, *(f"{figure:.1f}" for figure in figures))
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench live", description=__doc__)
    parser.add_argument("--model", nargs="+", type=Path, default=[])
    parser.add_argument("--arch", nargs="+", default=[])
    parser.add_argument("--sub-model", nargs="+", default=[])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for folder in arguments.model or ([] if arguments.arch else [Path("models/conformer-mini")]):
        manifest = load_manifest(folder)
        checkpoint = manifest.checkpoint.path(folder) if manifest.checkpoint else None
        for size in arguments.batch_size:
            file = manifest.files[size].path(folder)
            rows += measured(arguments, manifest.name, size, file, checkpoint)
    for name in arguments.arch:
        for size in arguments.batch_size:
            with tempfile.TemporaryDirectory(prefix="harness-bench-") as making:
                config, folder = network(name).with_batch(size), Path(making)
                checkpoint = folder / write_checkpoint(initial_weights(config, 0), folder).file
                file = convert(config, folder / "model.tflite", embed=False)
                rows += measured(arguments, name, size, file, checkpoint)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
