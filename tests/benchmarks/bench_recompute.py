"""What recomputing and updates a layer at a time cost and save: time and peak of a training step.

``script/bench recompute [--arch ds2-mini ds2] [--sub-model S1 S8] [--batch-size 1 5 10]
[--form today both ...] [--rounds 1] [--steps 4] [--json]``. Each form of a network is converted
(minutes for ds2), then its steps run in fresh processes, in LiteRT's own clusters of operators and
in the file's order (``experimental_disable_delegate_clustering``): peak resident memory above what
the process held before the model was loaded, and the median time of a step.

``today``: all that layers keep lives until their backward pass, gradients are clipped by their
global norm. ``layer``: clipped by each layer's norm, and applied at once. ``recompute``: a layer's
forward pass is made again before its backward pass. ``both``: both of these.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.model.folder import write_checkpoint
from harness.model.initial import initial_weights
from tests.benchmarks.training_process import in_a_process

FORMS = {
    "today": {},
    "layer": {"clip": "layer"},
    "recompute": {"recompute": True},
    "both": {"clip": "layer", "recompute": True},
}


@dataclass(frozen=True)
class Row:
    """A form of a sub-model at a batch size: medians over rounds."""

    network: str
    sub_model: str
    batch_size: int
    form: str
    ordered: bool
    peak_mb: float
    step_seconds: float
    first_loss: float
    rounds: int


def formed(config: NetworkConfig, form: str) -> NetworkConfig:
    """Return a network in one of the forms."""
    return replace(config, **FORMS[form])


def measured(arguments: argparse.Namespace, name: str, size: int, folder: Path) -> list[Row]:
    """Convert a network at a batch size in all forms and measure them in turn."""
    config = network(name).with_batch(size)
    checkpoint = folder / write_checkpoint(initial_weights(config, 0), folder).file
    files = {
        form: convert(
            formed(config, form),
            folder / f"{form}.tflite",
            embed=False,
            sub_models=arguments.sub_model,
        )
        for form in arguments.form
    }
    rows = []
    for sub_model in arguments.sub_model:
        for form, file in files.items():
            for way in ("clustered", "ordered"):
                processes = [
                    in_a_process(arguments, file, checkpoint, sub_model, way)
                    for _ in range(arguments.rounds)
                ]
                row = Row(
                    network=name,
                    sub_model=sub_model,
                    batch_size=size,
                    form=form,
                    ordered=way == "ordered",
                    peak_mb=round(statistics.median(p.peak_mb for p in processes), 1),
                    step_seconds=round(statistics.median(p.step_seconds for p in processes), 3),
                    first_loss=round(processes[0].losses[0], 4),
                    rounds=arguments.rounds,
                )
                print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
                rows.append(row)
    return rows


def show(rows: list[Row]) -> None:
    """Print a table; ratios are to ``today`` in clusters, the first row of each cell."""
    table = Table(title="Recomputing and updates by layers")
    table.add_column("sub-model")
    for name in ("batch", "form", "order", "peak MiB", "ratio", "step s", "ratio"):
        table.add_column(name, justify="right")
    base = rows[0]
    for row in rows:
        if (row.network, row.sub_model, row.batch_size) != (
            *(base.network, base.sub_model, base.batch_size),
        ):
            base = row
        table.add_row(
            f"{row.network} {row.sub_model}",
            str(row.batch_size),
            row.form,
            "file's" if row.ordered else "clusters",
            f"{row.peak_mb:.0f}",
            f"{row.peak_mb / base.peak_mb:.2f}",
            f"{row.step_seconds:.3f}",
            f"{row.step_seconds / base.step_seconds:.2f}",
        )
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench recompute", description=__doc__)
    parser.add_argument("--arch", nargs="+", default=["ds2-mini"])
    parser.add_argument("--sub-model", nargs="+", default=["S1", "S8"])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--form", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.arch:
        for size in arguments.batch_size:
            with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
                rows += measured(arguments, name, size, Path(folder))
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
