"""What weights in few bits save while a network trains: peak memory and time of a real step.

``script/bench resident [--arch ds2 conformer-ee] [--resident float32 f16 int8]
[--optimiser sgd adam] [--sub-model S1 S8] [--batch-size 1] [--keep FOLDER] [--rounds 1]
[--steps 4] [--json]``. Each form of a network is converted (minutes for ds2), then its steps run in
fresh processes, in LiteRT's own clusters of operators and in the file's order
(``experimental_disable_delegate_clustering``). Three figures of a process, above what it held
before the model was loaded: resident memory with the weights set and no step taken (``loaded``),
the most that it held while they were set (``load peak``), and the most while it trained (``peak``).

All forms recompute and clip by layers, float32 too: so they differ by how weights and moments are
held, and by nothing else. ``--as-is`` adds the network in its own form.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.model.config_file import network
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.model.folder import write_checkpoint
from harness.model.initial import initial_weights
from harness.trainer.batches import Batch
from harness.trainer.runtime import FlatbufferModel

_KIB_PER_MIB = 1024.0
_AS_IS = "as it is"


@dataclass(frozen=True)
class Process:
    """What one process measured; MiB above what it held before the model was loaded."""

    loaded_mb: float
    load_peak_mb: float
    peak_mb: float
    step_seconds: float
    """Median, the first step left out: it allocates."""
    losses: tuple[float, ...]
    changed_codes: float | None


@dataclass(frozen=True)
class Row:
    """A form of a sub-model at a batch size: medians over rounds."""

    network: str
    sub_model: str
    batch_size: int
    resident: str
    optimiser: str
    ordered: bool
    loaded_mb: float
    load_peak_mb: float
    peak_mb: float
    step_seconds: float
    first_loss: float
    last_loss: float
    changed_codes: float | None
    file_mb: float
    rounds: int


def step_in_this_process(
    file: Path, checkpoint: Path, sub_model: str, *, ordered: bool, steps: int, threads: int
) -> Process:
    """Take steps on full-length noise and look at this process."""
    from ai_edge_litert.interpreter import Interpreter

    before = _status_mb("VmRSS")
    interpreter = functools.partial(Interpreter, experimental_disable_delegate_clustering=ordered)
    model = FlatbufferModel(file, threads, interpreter=interpreter)
    model.load_checkpoint(checkpoint)
    load_peak = _status_mb("VmHWM") - before
    ctypes.CDLL(None).malloc_trim(0)
    loaded = _status_mb("VmRSS") - before
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    batch = _noise(model)
    losses, seconds = [], []
    for _ in range(steps):
        began = time.monotonic()
        losses.append(model.train_step(sub_model, batch, 1e-4))
        seconds.append(time.monotonic() - began)
    return Process(
        loaded_mb=loaded,
        load_peak_mb=load_peak,
        peak_mb=_status_mb("VmHWM") - before,
        step_seconds=statistics.median(seconds[1:]),
        losses=tuple(losses),
        changed_codes=model.changed_codes,
    )


def _noise(model: FlatbufferModel) -> Batch:
    info, rng = model.info, np.random.default_rng(0)
    rows, frames, labels = info.batch_size, info.max_frames, info.max_label
    characters = min(labels, info.output_frames(frames) // 2)
    return Batch(
        x=rng.standard_normal((rows, frames, 80)).astype(np.float32),
        in_len=np.full(rows, frames, np.int32),
        labels=rng.integers(1, len(info.alphabet), (rows, labels)).astype(np.int32),
        lab_len=np.full(rows, characters, np.int32),
        rows=rows,
    )


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


def formed(config: NetworkConfig, resident: str, optimiser: str) -> NetworkConfig:
    """Return a network in a form."""
    if resident == _AS_IS:
        return config
    form = {"resident": resident, "optimiser": optimiser}
    return replace(config, clip="layer", recompute=True, **form)


def in_a_process(arguments: argparse.Namespace, *words: str) -> Process:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", __spec__.name, "--worker", *words]
    command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Process(**json.loads(done.stdout.splitlines()[-1]))


def measured(arguments: argparse.Namespace, name: str, size: int, folder: Path) -> Iterator[Row]:
    """Convert a network at a batch size in all forms, and measure each."""
    config = network(name).with_batch(size)
    checkpoint = folder / write_checkpoint(initial_weights(config, 0), folder).file
    forms = [(r, o) for o in arguments.optimiser for r in arguments.resident]
    if arguments.as_is:
        forms.insert(0, (_AS_IS, config.optimiser))
    for resident, optimiser in forms:
        file = folder / f"{name}-b{size}-{resident.replace(' ', '-')}-{optimiser}.tflite"
        if not file.exists():
            form = formed(config, resident, optimiser)
            convert(form, file, embed=False, sub_models=arguments.sub_model)
        for sub_model in arguments.sub_model:
            for way in arguments.order:
                words = [str(file), str(checkpoint), sub_model, way]
                processes = [in_a_process(arguments, *words) for _ in range(arguments.rounds)]

                def middle(field: str, processes: list[Process] = processes) -> float:
                    return statistics.median(getattr(p, field) for p in processes)

                row = Row(
                    network=name,
                    sub_model=sub_model,
                    batch_size=size,
                    resident=resident,
                    optimiser=optimiser,
                    ordered=way == "ordered",
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


def work(arguments: argparse.Namespace) -> None:
    """Measure in this process and print one line of JSON."""
    file, checkpoint, sub_model, way = arguments.worker
    process = step_in_this_process(
        Path(file),
        Path(checkpoint),
        sub_model,
        ordered=way == "ordered",
        steps=arguments.steps,
        threads=arguments.threads,
    )
    print(json.dumps(asdict(process)))


def show(rows: list[Row]) -> None:
    """Print a table; ratios are to float32 with the same optimiser and order."""
    base = {
        (r.network, r.sub_model, r.batch_size, r.optimiser, r.ordered): r.peak_mb
        for r in rows
        if r.resident == "float32"
    }
    table = Table(title="Weights in few bits while a network trains")
    table.add_column("sub-model")
    for column in ("optimiser", "held as", "order", "loaded", "peak MiB", "ratio", "step s"):
        table.add_column(column, justify="right")
    for row in rows:
        key = (row.network, row.sub_model, row.batch_size, row.optimiser, row.ordered)
        table.add_row(
            f"{row.network} {row.sub_model} B={row.batch_size}",
            row.optimiser,
            row.resident,
            "file's" if row.ordered else "clusters",
            f"{row.loaded_mb:.0f}",
            f"{row.peak_mb:.0f}",
            f"{row.peak_mb / base[key]:.2f}" if key in base else "",
            f"{row.step_seconds:.2f}",
        )
    Console().print(table)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
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
    ways = ["clustered", "ordered"]
    parser.add_argument("--order", nargs="+", choices=ways, default=ways)
    parser.add_argument("--as-is", action="store_true", help="the network's own form, too")
    parser.add_argument("--keep", type=Path, help="a folder for the files, to measure them again")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", nargs=4, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
    rows = []
    for name in arguments.arch:
        for size in arguments.batch_size:
            with _folder(arguments.keep) as folder:
                rows += measured(arguments, name, size, folder)
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
