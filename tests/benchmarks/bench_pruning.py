"""What a smaller dense network saves: bytes, memory and seconds of a step, by level.

``script/bench pruning [--network ds2-mini] [--batch-size 5] [--levels 0 0.25 0.5 0.75]
[--sub-models S1 S8] [--density uniform] [--repeats 1] [--threads 2] [--json]``.

Of each level a flatbuffer is made as a federated round makes it, and trained in fresh processes
that are the phones' trainer (`harness.trainer.measure`). Levels take turns, so that what else the
computer does befalls all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.model.initial import Weights, initial_weights
from harness.pruning.cells import Selection, gathered
from harness.pruning.choice import kept_of, ranked, units_kept
from harness.trainer.checkpoints import write_weights
from harness.trainer.manifest import load_manifest
from harness.trainer.measure import measure_need
from harness.trainer.npz import opened_weights

_MODELS = Path(__file__).parents[2] / "models"
_MIB = 2**20


@dataclass
class Row:
    """A level, and a sub-model that trains."""

    level: float
    sub_model: str
    parameters_percent: float
    weights_mb: float
    file_mb: float
    need_mb: float
    peak_mb: float
    step_seconds: float
    made_seconds: float
    """How long its flatbuffer took to make, of all sub-models that are measured."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="ds2-mini")
    parser.add_argument("--batch-size", type=int, default=5)
    parser.add_argument("--levels", type=float, nargs="+", default=[0.0, 0.25, 0.5, 0.75])
    parser.add_argument("--sub-models", nargs="+", default=["S1", "S8"])
    parser.add_argument("--density", default="uniform")
    parser.add_argument("--layers", nargs="*", default=[])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="bench-pruning-") as folder:
        rows = measured(options, Path(folder))
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    show(options, rows)


def measured(options: argparse.Namespace, folder: Path) -> list[Row]:
    """Make the networks, and measure each in turns."""
    config = network(options.network).with_batch(options.batch_size)
    weights = start(config)
    made = [level_files(config, weights, level, options, folder) for level in options.levels]
    needs: dict[tuple[float, str], list] = {}
    for _ in range(options.repeats):
        for level, (model, checkpoint, _) in zip(options.levels, made, strict=True):
            for name in options.sub_models:
                need = measure_need(model, name, checkpoint=checkpoint, threads=options.threads)
                needs.setdefault((level, name), []).append(need)
    whole = sum(value.size for value in weights.values())
    rows = []
    for level, (model, checkpoint, seconds) in zip(options.levels, made, strict=True):
        with opened_weights(checkpoint) as stored:
            left = sum(int(np.prod(shape)) for shape in stored.shapes.values())
        for name in options.sub_models:
            came = needs[level, name]
            rows.append(
                Row(
                    level=level,
                    sub_model=name,
                    parameters_percent=100 * left / whole,
                    weights_mb=checkpoint.stat().st_size / _MIB,
                    file_mb=model.stat().st_size / _MIB,
                    need_mb=statistics.median(need.need_mb for need in came),
                    peak_mb=statistics.median(need.peak_mb for need in came),
                    step_seconds=min(need.step_seconds for need in came),
                    made_seconds=seconds,
                )
            )
    return rows


def start(config: NetworkConfig) -> Weights:
    """Return the shipped weights of a network, random ones if there are none."""
    folder = _MODELS / config.name
    if (folder / "manifest.json").is_file():
        checkpoint = load_manifest(folder).checkpoint
        if checkpoint is not None:
            with opened_weights(folder / checkpoint.file) as stored:
                return {name: stored.read(name) for name in stored.shapes}
    return initial_weights(config, 0)


def level_files(
    config: NetworkConfig,
    weights: Weights,
    level: float,
    options: argparse.Namespace,
    folder: Path,
) -> tuple[Path, Path, float]:
    """Return the flatbuffer and the weights of a level, and how long the first took to make."""
    groups = [
        g
        for g in config.unit_groups()
        if (g.layer in options.layers if options.layers else g.usual)
    ]
    ranks = ranked(groups, weights, None, "weight")
    kept = kept_of(ranks, units_kept(ranks, level, options.density))
    small = config.with_units({g.layer: len(kept[g.name]) for g in groups})
    checkpoint = folder / f"{level:g}.npz"
    write_weights(checkpoint, gathered(Selection(groups, kept), weights).items())
    begun = time.monotonic()
    model = convert(small, folder / f"{level:g}.tflite", embed=False, sub_models=options.sub_models)
    return model, checkpoint, time.monotonic() - begun


def show(options: argparse.Namespace, rows: list[Row]) -> None:
    """Print a table."""
    table = Table(
        title=f"{options.network}, batch size {options.batch_size}, {options.density} density",
        caption="sizes in MiB; peak RSS of a fresh trainer, and what training adds to it",
    )
    for name in (
        *("level", "trains", "param. %", "weights", "file"),
        *("need", "peak", "s/step", "made s"),
    ):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            *(f"{row.level:g}", row.sub_model, f"{row.parameters_percent:.1f}"),
            *(f"{row.weights_mb:.2f}", f"{row.file_mb:.2f}", f"{row.need_mb:.1f}"),
            *(f"{row.peak_mb:.1f}", f"{row.step_seconds:.3f}", f"{row.made_seconds:.0f}"),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
