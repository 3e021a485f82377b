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
import functools
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from harness.trainer.batches import Batch
from harness.trainer.manifest import load_manifest
from harness.trainer.runtime import FlatbufferModel

_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Process:
    """What one process measured."""

    peak_mb: float
    """Peak resident memory above that before the model was loaded."""
    step_seconds: float
    """Median, the first step left out: it allocates."""
    losses: tuple[float, ...]


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


def step_in_this_process(
    file: Path, checkpoint: Path | None, sub_model: str, *, ordered: bool, steps: int, threads: int
) -> Process:
    """Take steps on full-length noise and look at this process."""
    from ai_edge_litert.interpreter import Interpreter

    before = _status_mb("VmRSS")
    interpreter = functools.partial(Interpreter, experimental_disable_delegate_clustering=ordered)
    model = FlatbufferModel(file, threads, interpreter=interpreter)
    if checkpoint is not None:
        model.load_checkpoint(checkpoint)
    info, rng = model.info, np.random.default_rng(0)
    rows, frames, labels = info.batch_size, info.max_frames, info.max_label
    characters = min(labels, info.output_frames(frames) // 2)
    batch = Batch(
        x=rng.standard_normal((rows, frames, 80)).astype(np.float32),
        in_len=np.full(rows, frames, np.int32),
        labels=rng.integers(1, len(info.alphabet), (rows, labels)).astype(np.int32),
        lab_len=np.full(rows, characters, np.int32),
        rows=rows,
    )
    losses, seconds = [], []
    for _ in range(steps):
        began = time.monotonic()
        losses.append(model.train_step(sub_model, batch, 1e-4))
        seconds.append(time.monotonic() - began)
    return Process(_status_mb("VmHWM") - before, statistics.median(seconds[1:]), tuple(losses))


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


def in_a_process(arguments: argparse.Namespace, *words: str) -> Process:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", __spec__.name, "--worker", *words]
    command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    values = json.loads(done.stdout.splitlines()[-1])
    return Process(values["peak_mb"], values["step_seconds"], tuple(values["losses"]))


def measured(arguments: argparse.Namespace, folder: Path, batch_size: int, sub_model: str) -> Row:
    """Measure both ways in turn, as often as rounds are asked for."""
    words = [str(folder), str(batch_size), sub_model]
    clustered, ordered = [], []
    for _ in range(arguments.rounds):
        clustered.append(in_a_process(arguments, *words, "clustered"))
        ordered.append(in_a_process(arguments, *words, "ordered"))
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


def work(arguments: argparse.Namespace) -> None:
    """Measure in this process and print one line of JSON."""
    folder, batch_size, sub_model, way = arguments.worker
    manifest = load_manifest(Path(folder))
    checkpoint = manifest.checkpoint and Path(folder) / manifest.checkpoint.file
    process = step_in_this_process(
        Path(folder) / manifest.files[int(batch_size)].file,
        checkpoint,
        sub_model,
        ordered=way == "ordered",
        steps=arguments.steps,
        threads=arguments.threads,
    )
    print(json.dumps(asdict(process)))


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
    parser.add_argument("--worker", nargs=4, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
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
