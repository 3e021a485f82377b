"""What a transducer's loss needs: memory and time of the whole lattice, and of a band in it.

``script/bench transducer [--frames 250] [--labels 60] [--outputs 28 5001] [--buffer 15]
[--steps 3] [--json]``. Loss and gradient of one utterance of random logits, its labels evenly
spread, each in a process of its own: the logits' size, the peak of the process above what it held
with tensorflow loaded, and the median time of a call after the first.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.model.transducer.targets import band_width, logits_mb
from harness.trainer import device

_MB_PER_MIB = 1.048576


def evenly(frames: int, labels: int) -> list[int]:
    """Return an alignment with as many frames between labels everywhere."""
    return [(2 * n + 1) * frames // (2 * labels) for n in range(labels)]


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one case in this process."""
    import tensorflow as tf

    from harness.model.transducer.lattice import Lattice
    from harness.model.transducer.loss import transducer_loss_and_gradient
    from harness.model.transducer.restricted import Band, restricted_loss_and_gradient

    frames, labels, outputs = arguments.frames, arguments.labels, arguments.outputs[0]
    buffer = arguments.worker
    lattice = Lattice(tf.constant([frames]), tf.constant([labels]), 8, in_tensorflow=True)
    alignment = evenly(frames, labels)
    nodes = labels + 1 if buffer < 0 else band_width(alignment, frames, buffer, buffer)
    band = Band(tf.constant([alignment]), buffer, buffer, frames, nodes)
    rng = np.random.default_rng(0)
    texts = tf.constant(rng.integers(1, outputs, (1, labels)), tf.int32)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator, unused-ignore]
    def step(seed: Any) -> Any:
        logits = tf.random.stateless_normal([1, frames, nodes, outputs], [seed, 0])
        if buffer < 0:
            loss, gradient = transducer_loss_and_gradient(logits, texts, lattice)
        else:
            loss, gradient = restricted_loss_and_gradient(logits, texts, lattice, band)
        return loss[0], tf.reduce_max(tf.abs(gradient))

    before = device.rss_mb() or 0.0
    losses, seconds = [], []
    for n in range(arguments.steps + 1):
        began = time.perf_counter()
        losses.append(float(step(tf.constant(n))[0]))
        seconds.append(time.perf_counter() - began)
    peak = device.peak_rss_mb() or 0.0
    return {
        "outputs": outputs,
        "buffer": None if buffer < 0 else buffer,
        "nodes": nodes,
        "logits_mb": round(logits_mb(frames, nodes, outputs), 1),
        "added_mb": round((peak - before) * _MB_PER_MIB, 1),
        "seconds": round(statistics.median(seconds[1:]), 3),
        "loss": round(losses[0], 3),
    }


def in_a_process(arguments: argparse.Namespace, outputs: int, buffer: int) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", __spec__.name, "--worker", str(buffer)]
    for name in ("frames", "labels", "steps"):
        command += [f"--{name}", str(getattr(arguments, name))]
    done = subprocess.run(
        [*command, "--outputs", str(outputs)], check=True, capture_output=True, text=True
    )
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="script/bench transducer", description=__doc__)
    parser.add_argument("--frames", type=int, default=250, help="That the encoder gives.")
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--outputs", type=int, nargs="+", default=[28, 5001])
    parser.add_argument("--buffer", type=int, default=15, help="Frames to both sides, of the band.")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        print(json.dumps(work(arguments)))
        return
    rows = [
        in_a_process(arguments, v, b) for v in arguments.outputs for b in (-1, arguments.buffer)
    ]
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(title=f"{arguments.frames} frames, {arguments.labels} labels")
    table.add_column("outputs", justify="right")
    table.add_column("lattice")
    for title in ("nodes a frame", "logits MB", "added MB", "s"):
        table.add_column(title, justify="right")
    for row in rows:
        which = "whole" if row["buffer"] is None else f"{row['buffer']} frames around"
        cells = (row["nodes"], row["logits_mb"], row["added_mb"], row["seconds"])
        table.add_row(str(row["outputs"]), which, *map(str, cells))
    Console().print(table)


if __name__ == "__main__":
    main()
