"""What weights in few bits save while a network trains: peak memory and time of a real step.

``script/bench resident [--arch ds2 conformer-ee] [--resident float32 f16 int8]
[--optimiser sgd adam] [--sub-model S1 S8] [--batch-size 1] [--keep FOLDER] [--rounds 1]
[--steps 4] [--json]``. Each form of a network is converted (minutes for ds2), then its steps run in
fresh processes, in LiteRT's own clusters of operators and in the file's order
(``experimental_disable_delegate_clustering``); ``--order undelegated``: without XNNPACK, too, which
keeps that order and takes less memory and far more time. Three figures of a process, above what
it held before the model was loaded: resident memory with the weights set and no step taken
(``loaded``), the most that it held while they were set (``load peak``), and the most while it
trained (``peak``).

All forms recompute and clip by layers, float32 too: so they differ by how weights and moments are
held, and by nothing else. ``--as-is`` adds the network in its own form.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.model.folder import write_checkpoint
from harness.model.initial import initial_weights
from tests.benchmarks.forms import Form, converted
from tests.benchmarks.training_process import Process, in_a_process

_AS_IS = "as it is"
_ORDERS = {"clustered": "clusters", "ordered": "file's", "undelegated": "file's, no XNNPACK"}


@dataclass(frozen=True)
class Row:
    """A form of a sub-model at a batch size: medians over rounds."""

    network: str
    sub_model: str
    batch_size: int
    resident: str
    optimiser: str
    order: str
    loaded_mb: float
    load_peak_mb: float
    peak_mb: float
    step_seconds: float
    first_loss: float
    last_loss: float
    changed_codes: float | None
    file_mb: float
    rounds: int


def _file(
    config: NetworkConfig, resident: str, optimiser: str, sub_models: list[str], folder: Path
) -> Path:
    """Return the flatbuffer of a form; one that was kept is not made again."""
    if resident != _AS_IS:
        form = Form(resident, optimiser)  # type: ignore[arg-type]
        return converted(config, form, sub_models, folder)
    file = folder / f"{config.name}-b{config.batch_size}-as-it-is.tflite"
    if not file.exists():
        convert(config, file, embed=False, sub_models=sub_models)
    return file


def measured(arguments: argparse.Namespace, name: str, size: int, folder: Path) -> Iterator[Row]:
    """Convert a network at a batch size in all forms, and measure each."""
    config = network(name).with_batch(size)
    checkpoint = folder / write_checkpoint(initial_weights(config, 0), folder).file
    forms = [(r, o) for o in arguments.optimiser for r in arguments.resident]
    if arguments.as_is:
        forms.insert(0, (_AS_IS, config.optimiser))
    for resident, optimiser in forms:
        file = _file(config, resident, optimiser, arguments.sub_model, folder)
        for sub_model in arguments.sub_model:
            for way in arguments.order:
                processes = [
                    in_a_process(arguments, file, checkpoint, sub_model, way, apart=True)
                    for _ in range(arguments.rounds)
                ]

                def middle(field: str, processes: list[Process] = processes) -> float:
                    return statistics.median(getattr(p, field) for p in processes)

                row = Row(
                    network=name,
                    sub_model=sub_model,
                    batch_size=size,
                    resident=resident,
                    optimiser=optimiser,
                    order=way,
                    loaded_mb=round(middle("loaded_mb"), 1),
                    load_peak_mb=round(middle("load_peak_mb"), 1),
                    peak_mb=round(middle("peak_mb"), 1),
                    step_seconds=round(middle("step_seconds"), 3),
                    first_loss=round(processes[0].losses[0], 4),
                    last_loss=round(processes[0].losses[-1], 4),
                    changed_codes=processes[0].changed_codes,
                    file_mb=round(file.stat().st_size / 2**20, 2),
                    rounds=arguments.rounds,
                )
                print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
                yield row


def show(rows: list[Row]) -> None:
    """Print a table; ratios are to float32 with the same optimiser and order."""
    base = {
        (r.network, r.sub_model, r.batch_size, r.optimiser, r.order): r.peak_mb
        for r in rows
        if r.resident == "float32"
    }
    table = Table(title="Weights in few bits while a network trains")
    table.add_column("sub-model")
    for column in ("optimiser", "held as", "order", "loaded", "peak MiB", "ratio", "step s"):
        table.add_column(column, justify="right")
    for row in rows:
        key = (row.network, row.sub_model, row.batch_size, row.optimiser, row.order)
        table.add_row(
            f"{row.network} {row.sub_model} B={row.batch_size}",
            row.optimiser,
            row.resident,
            _ORDERS[row.order],
            f"{row.loaded_mb:.0f}",
            f"{row.peak_mb:.0f}",
            f"{row.peak_mb / base[key]:.2f}" if key in base else "",
            f"{row.step_seconds:.2f}",
        )
    Console().print(table)


@contextmanager
def kept_folder(kept: Path | None) -> Iterator[Path]:
    """Give a folder that stays, or one that goes."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as folder:
        yield Path(folder)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench resident", description=__doc__)
    parser.add_argument("--arch", nargs="+", default=["ds2-mini"])
    parser.add_argument("--sub-model", nargs="+", default=["S1", "S8"])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[1])
    forms = ["float32", "f16", "int8"]
    parser.add_argument("--resident", nargs="+", choices=forms, default=forms)
    parser.add_argument("--optimiser", nargs="+", choices=["sgd", "adam"], default=["sgd", "adam"])
    usual = ["clustered", "ordered"]
    parser.add_argument("--order", nargs="+", choices=list(_ORDERS), default=usual)
    parser.add_argument("--as-is", action="store_true", help="the network's own form, too")
    parser.add_argument("--keep", type=Path, help="a folder for the files, to measure them again")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.arch:
        for size in arguments.batch_size:
            with kept_folder(arguments.keep) as folder:
                rows += measured(arguments, name, size, folder)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
