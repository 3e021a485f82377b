"""Steps of a flatbuffer in a process of its own: ``python -m tests.benchmarks.training_process``.

FILE CHECKPOINT SUB_MODEL, ``clustered``, ``ordered`` (the file's own order) or ``undelegated`` (the
runtime's own operators alone, in that order too); one line of JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.trainer.batches import Batch
from harness.trainer.runtime import FlatbufferModel

_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Process:
    """What one process measured; MiB above what it held before the model was loaded."""

    loaded_mb: float
    load_peak_mb: float
    peak_mb: float
    """While it trained, where that is told apart from loading; else of both."""
    step_seconds: float
    """Median, the first step left out: it allocates."""
    losses: tuple[float, ...]
    changed_codes: float | None


def in_a_process(
    arguments: argparse.Namespace,
    file: Path,
    checkpoint: Path | None,
    sub_model: str,
    way: str,
    *,
    apart: bool = False,
) -> Process:
    """Measure in a fresh process.

    Args:
        arguments: Its ``steps`` and ``threads`` count.
        file: The flatbuffer.
        checkpoint: Weights (.npz); None if it has its own.
        sub_model: What trains.
        way: ``clustered``, ``ordered`` or ``undelegated``.
        apart: Give back what loading left over, and begin the peak anew after it.
    """
    command = [sys.executable, "-m", __name__, str(file), str(checkpoint or ""), sub_model, way]
    command += ["--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    command += ["--apart"] if apart else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Process(**json.loads(done.stdout.splitlines()[-1]))


def _measured(arguments: argparse.Namespace) -> Process:
    """Take steps on full-length noise and look at this process."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    before = status_mb("VmRSS")
    options: dict[str, Any] = {
        "clustered": {},
        "ordered": {"experimental_disable_delegate_clustering": True},
        "undelegated": {
            "experimental_op_resolver_type": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        },
    }[arguments.way]
    interpreter = functools.partial(Interpreter, **options)
    model = FlatbufferModel(Path(arguments.file), arguments.threads, interpreter=interpreter)
    if arguments.checkpoint:
        model.load_checkpoint(Path(arguments.checkpoint))
    load_peak = status_mb("VmHWM") - before
    if arguments.apart:
        ctypes.CDLL(None).malloc_trim(0)
    loaded = status_mb("VmRSS") - before
    if arguments.apart:
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    batch = _noise(model)
    losses, seconds = [], []
    for _ in range(arguments.steps):
        began = time.monotonic()
        losses.append(model.train_step(arguments.sub_model, batch, 1e-4))
        seconds.append(time.monotonic() - began)
    return Process(
        loaded_mb=loaded,
        load_peak_mb=load_peak,
        peak_mb=status_mb("VmHWM") - before,
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


def status_mb(field: str) -> float:
    """Return a size of this process from ``/proc``: ``VmRSS``, ``VmHWM``; MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


def main() -> None:
    """Measure in this process and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("file", "checkpoint", "sub_model", "way"):
        parser.add_argument(name)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--apart", action="store_true")
    print(json.dumps(asdict(_measured(parser.parse_args()))))


if __name__ == "__main__":
    main()
