"""Where is a network made smaller: in the graph on the phone, or before it is sent?

``script/bench gather [--width 1024] [--layers 6] [--level 0.5] [--batch-size 8] [--steps 6]
[--json]``. A stack of dense layers trains by plain gradient descent in three flatbuffers, each in a
fresh process: whole; whole with the units that are kept as inputs, gathered in the graph at each
step and their gradients scattered back; and smaller, of matrices that the host gathered. The first
two need all weights on the phone. Beside them is what the host pays: gathering weights for a file
that is there, which it does each round, and making a file, which an export a round would cost.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.benchmarks.training_process import status_mb

WAYS = ("whole", "gathered in the graph", "gathered before it is sent")
_RATE = 1e-3


@dataclass(frozen=True)
class Row:
    """A way to train a part of a network."""

    way: str
    weights_mb: float
    """On the phone."""
    peak_mb: float
    """Resident, above what the process held before the file was loaded."""
    step_seconds: float
    losses: tuple[float, ...]
    made_seconds: float
    """To make the file, once."""
    gathered_seconds: float
    """To gather weights for it on the host, each round."""


def kept_units(options: argparse.Namespace) -> list[np.ndarray]:
    """Return the units that are kept of each width; inputs and outputs stay."""
    rng = np.random.default_rng(1)
    count = round(options.width * (1 - options.level))
    every = np.arange(options.width, dtype=np.int32)
    inner = [
        np.sort(rng.permutation(every)[:count]).astype(np.int32) for _ in range(options.layers - 1)
    ]
    return [every, *inner, every]


def whole_weights(options: argparse.Namespace) -> list[np.ndarray]:
    """Return matrices [inputs, outputs] of the whole network."""
    rng = np.random.default_rng(0)
    shape = (options.width, options.width)
    scale = np.float32(1 / np.sqrt(options.width))
    return [rng.standard_normal(shape, np.float32) * scale for _ in range(options.layers)]


def make(way: str, shapes: Sequence[tuple[int, int]], options: argparse.Namespace) -> bytes:
    """Return a flatbuffer with the signatures ``set`` and ``train``.

    Args:
        way: Of `WAYS`.
        shapes: Of the matrices that it holds.
        options: Sizes.
    """
    import tensorflow as tf

    width, root = options.width, tf.Module()
    root.matrices = [tf.Variable(tf.zeros(shape), name=f"w{n}") for n, shape in enumerate(shapes)]
    in_graph = way == WAYS[1]
    counts = [len(units) for units in kept_units(options)]
    numbers = range(len(shapes))
    units = {f"units{n}": tf.TensorSpec([count], tf.int32) for n, count in enumerate(counts)}

    def spread(part: Any, n: int, kept: dict[str, Any]) -> Any:
        rows, columns = kept[f"units{n}"], kept[f"units{n + 1}"]
        tall = tf.scatter_nd(columns[:, None], tf.transpose(part), [width, counts[n]])
        return tf.scatter_nd(rows[:, None], tf.transpose(tall), [width, width])

    def train(x: Any, **kept: Any) -> dict[str, Any]:
        parts, states = [], [x]
        for n in numbers:
            part = root.matrices[n].read_value()
            if in_graph:
                part = tf.gather(part, kept[f"units{n}"])
                part = tf.gather(part, kept[f"units{n + 1}"], axis=1)
            parts.append(part)
            states.append(tf.tanh(states[-1] @ part))
        loss = tf.reduce_mean(tf.square(states[-1] - x))
        back = 2 * (states[-1] - x) / tf.cast(tf.size(x), tf.float32)
        for n in reversed(numbers):
            back = back * (1 - tf.square(states[n + 1]))
            change = _RATE * width * (tf.transpose(states[n]) @ back)
            back = back @ tf.transpose(parts[n])
            moved = spread(change, n, kept) if in_graph else change
            root.matrices[n].assign_sub(moved, read_value=False)
        return {"loss": loss}

    def put(**values: Any) -> dict[str, Any]:
        for n, matrix in enumerate(root.matrices):
            matrix.assign(values[f"w{n}"], read_value=False)
        return {"done": tf.constant(1)}

    given = {"x": tf.TensorSpec([options.batch_size, width])} | (units if in_graph else {})
    wanted = {f"w{n}": tf.TensorSpec(shape) for n, shape in enumerate(shapes)}
    signatures = {
        "train": tf.function(train).get_concrete_function(**given),
        "set": tf.function(put).get_concrete_function(**wanted),
    }
    with TemporaryDirectory() as folder:
        tf.saved_model.save(root, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        converter.exclude_conversion_metadata = True
        return bytes(converter.convert())


def measured(options: argparse.Namespace, folder: Path) -> list[Row]:
    """Make the files, and measure each."""
    kept, weights = kept_units(options), whole_weights(options)
    np.savez(folder / "units.npz", **{f"units{n}": units for n, units in enumerate(kept)})
    rows = []
    for way in WAYS:
        begun = time.monotonic()
        held = weights
        if way == WAYS[2]:
            held = [
                np.ascontiguousarray(value[np.ix_(kept[n], kept[n + 1])])
                for n, value in enumerate(weights)
            ]
        gathered_seconds = time.monotonic() - begun
        np.savez(folder / "weights.npz", **{f"w{n}": value for n, value in enumerate(held)})
        begun = time.monotonic()
        shapes = [(value.shape[0], value.shape[1]) for value in held]
        (folder / "model.tflite").write_bytes(make(way, shapes, options))
        made_seconds = time.monotonic() - begun
        command = [sys.executable, "-m", __spec__.name, "--worker", str(folder)]
        command += ["--steps", str(options.steps), "--width", str(options.width)]
        command += ["--batch-size", str(options.batch_size)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(
            Row(
                way=way,
                weights_mb=sum(value.nbytes for value in held) / 2**20,
                made_seconds=made_seconds,
                gathered_seconds=gathered_seconds,
                **json.loads(done.stdout.splitlines()[-1]),
            )
        )
    return rows


def worker(options: argparse.Namespace) -> dict[str, Any]:
    """Take steps in this process."""
    from ai_edge_litert.interpreter import Interpreter

    folder = options.worker
    with np.load(folder / "units.npz") as stored:
        units = {name: stored[name] for name in stored.files}
    before = status_mb("VmRSS")
    interpreter = Interpreter(str(folder / "model.tflite"), num_threads=1)
    with np.load(folder / "weights.npz") as stored:
        interpreter.get_signature_runner("set")(**{name: stored[name] for name in stored.files})
    train = interpreter.get_signature_runner("train")
    names = train.get_input_details()
    x = np.random.default_rng(2).standard_normal((options.batch_size, options.width), np.float32)
    given = {"x": x} | {name: value for name, value in units.items() if name in names}
    losses, seconds = [], []
    for _ in range(options.steps):
        begun = time.monotonic()
        losses.append(float(train(**given)["loss"]))
        seconds.append(time.monotonic() - begun)
    peak_mb = status_mb("VmHWM") - before
    return {"peak_mb": peak_mb, "step_seconds": min(seconds[1:]), "losses": losses}


def show(rows: list[Row], options: argparse.Namespace) -> None:
    """Print a table."""
    table = Table(
        title=f"{options.layers} layers of {options.width}, {100 * options.level:g} % of units out"
    )
    table.add_column("network")
    for column in ("weights MiB", "peak MiB", "step ms", "file made, s", "gathered, s"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row.way,
            f"{row.weights_mb:.1f}",
            f"{row.peak_mb:.1f}",
            f"{1000 * row.step_seconds:.1f}",
            f"{row.made_seconds:.1f}",
            f"{row.gathered_seconds:.3f}",
        )
    Console().print(table)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench gather", description=__doc__)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--level", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.worker is not None:
        print(json.dumps(worker(options)))
        return
    with TemporaryDirectory(prefix="harness-bench-") as folder:
        rows = measured(options, Path(folder))
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows, options)


if __name__ == "__main__":
    main()
