"""What the product of a time step costs on LiteRT, by formulation: what bounds a training step.

``script/bench recurrent [--batch-size 1 ...] [--hidden 512] [--threads 2] [--json]``.
A layer's loop multiplies the hidden state of both directions, [2, B, H], with a matrix [2, H, 4H]
at each time step. All formulations run in turn, in this process, over the same numbers.

- ``packed``: BATCH_MATMUL; XNNPACK packs the matrix at each time step, for it is no constant.
- ``by gate``: the same in four products, each matrix small enough for a core's cache.
- ``matrix left``: BATCH_MATMUL with the matrix on the left, which is read as it lies.
- ``fully connected``: FULLY_CONNECTED; LiteRT runs it on one thread (on x86_64).
- ``direction rows``: DEPTHWISE_CONV_2D, a row a direction; no packing, a thread a direction.
- ``constant``: as ``packed``, but the matrix is a constant of the file and packed once. It cannot
  be trained; it bounds what any formulation could reach.
- ``plain``: the same loop in ``tf.function``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from rich.console import Console
from rich.table import Table

from harness.model.recurrent import DirectionRows, OneUtterance, RecurrentProduct

STEPS = 375
UNROLL = 75
ROUNDS = 6

Step = Callable[[tf.Tensor], tf.Tensor]
Form = Callable[[tf.Tensor], Step]


def together(gates: Sequence[tf.Tensor]) -> tf.Tensor:
    """Make the next hidden state of all four gates, so that none can be left out."""
    i, f, o, g = gates
    return ((i + f) + (o + g)) * 0.5


def packed(matrix: tf.Tensor) -> Step:
    """Take [2, 4H, H]; return what makes [2, B, H] of [2, B, H]."""
    return lambda h: together(tf.split(tf.matmul(h, matrix, transpose_b=True), 4, 2))


def by_gate(matrix: tf.Tensor) -> Step:
    """As ``packed``, a product a gate."""
    gates = tf.split(matrix, 4, 1)
    return lambda h: together([tf.matmul(h, w, transpose_b=True) for w in gates])


def matrix_left(matrix: tf.Tensor) -> Step:
    """As ``packed``. Turned after the split: the converter would undo it before."""

    def step(h: tf.Tensor) -> tf.Tensor:
        gates = tf.split(tf.matmul(matrix, h, transpose_b=True), 4, 1)
        return tf.transpose(together(gates), [0, 2, 1])

    return step


def of(product: RecurrentProduct) -> Form:
    """As ``packed``, in a way that the network itself uses."""

    def form(matrix: tf.Tensor) -> Step:
        matrices = product.ahead(tf.transpose(matrix, [0, 2, 1]))
        return lambda h: together(tf.split(product.times(h, matrices), 4, 2))

    return form


def loop(form: Form, matrix: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
    """Run all time steps, ``UNROLL`` of them in one iteration."""
    step = form(matrix)

    def body(n: tf.Tensor, h: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for _ in range(UNROLL):
            h = step(h)
        return n + 1, h

    start = [tf.constant(0), h]
    return tf.while_loop(lambda n, _: n < STEPS // UNROLL, body, start, parallel_iterations=1)[1]


def on_litert(
    form: Form, matrix: np.ndarray, h: np.ndarray, threads: int, *, constant: bool = False
) -> Callable[[], np.ndarray]:
    """Convert the loop; return what runs it."""
    variable = tf.Variable(matrix)

    def run(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": loop(form, tf.constant(matrix) if constant else tf.identity(variable), x)}

    def put(w: tf.Tensor) -> dict[str, tf.Tensor]:
        variable.assign(w)
        return {"done": tf.constant(1)}

    module = tf.Module()
    module.variable = variable
    signatures = {
        name: tf.function(f, autograph=False).get_concrete_function(tf.TensorSpec(a.shape, name=n))
        for name, f, a, n in (("run", run, h, "x"), ("put", put, matrix, "w"))
    }
    with TemporaryDirectory(prefix="bench-recurrent-") as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        file = Path(folder) / "loop.tflite"
        file.write_bytes(converter.convert())
        interpreter = Interpreter(str(file), num_threads=threads)
    interpreter.get_signature_runner("put")(w=matrix)
    runner = interpreter.get_signature_runner("run")
    return lambda: runner(x=h)["y"]


def plain(matrix: np.ndarray, h: np.ndarray) -> Callable[[], np.ndarray]:
    """Return what runs the loop in tensorflow."""
    variable = tf.Variable(matrix)
    function = tf.function(lambda x: loop(of(OneUtterance()), variable, x), autograph=False)
    x = tf.constant(h)
    return lambda: function(x).numpy()


def measure(batch: int, hidden: int, threads: int) -> dict[str, float]:
    """Return milliseconds a time step by formulation, the least of ``ROUNDS`` rounds.

    Raises:
        AssertionError: The formulations do not agree.
    """
    rng = np.random.default_rng(0)
    # of a size at which the state neither grows nor fades into denormal numbers, which are slow
    matrix = (rng.standard_normal((2, 4 * hidden, hidden)) / np.sqrt(hidden)).astype(np.float32)
    h = rng.standard_normal((2, batch, hidden)).astype(np.float32)
    runs = {
        "packed": on_litert(packed, matrix, h, threads),
        "by gate": on_litert(by_gate, matrix, h, threads),
        "matrix left": on_litert(matrix_left, matrix, h, threads),
        "fully connected": on_litert(of(OneUtterance()), matrix, h, threads),
        "direction rows": on_litert(of(DirectionRows()), matrix, h, threads),
        "constant": on_litert(packed, matrix, h, threads, constant=True),
        "plain": plain(matrix, h),
    }
    best = dict.fromkeys(runs, float("inf"))
    scale = np.abs(runs["plain"]()).max()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            y = run()
            best[name] = min(best[name], (time.perf_counter() - start) / STEPS * 1e3)
            assert np.abs(y - runs["plain"]()).max() < 1e-2 * scale, name
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--batch-size", type=int, action="append", help="may be given several times"
    )
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    tf.config.threading.set_inter_op_parallelism_threads(given.threads)
    rows = {b: measure(b, given.hidden, given.threads) for b in given.batch_size or (1, 2, 5, 10)}
    if given.json:
        print(json.dumps({"ms_a_time_step": rows}))
        return
    table = Table(title=f"ms a time step, {given.hidden} cells, {given.threads} threads")
    table.add_column("batch size", justify="right")
    for name in next(iter(rows.values())):
        table.add_column(name, justify="right")
    for batch, by_form in rows.items():
        table.add_row(str(batch), *(f"{v:.2f}" for v in by_form.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
