"""How much memory training a sub-model needs, measured as the trainer will meet it.

Each figure comes from a fresh process: ``python -m harness.trainer.measure`` imports what the
trainer imports, notes its RSS (this is where the trainer selects), then loads the model, makes
features, trains full-length batches, evaluates and reads the weights back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_STEPS = 3
_MIB = 1024.0


@dataclass(frozen=True)
class Need:
    """One measured process (MiB; seconds)."""

    need_mb: float
    """Peak RSS minus RSS at selection."""
    base_mb: float
    """RSS less shared pages at selection."""
    step_seconds: float
    """Of the last step, full length."""


def measure_need(
    model: Path, sub_model: str, *, checkpoint: Path | None = None, threads: int = 2
) -> Need:
    """Measure one sub-model in a fresh process.

    Args:
        model: The flatbuffer, which fixes the batch size.
        sub_model: S1 .. S8.
        checkpoint: Weights, for a file that has none of its own.
        threads: Of LiteRT.

    Raises:
        subprocess.CalledProcessError: The process failed; its words went to stderr.
    """
    command = [sys.executable, "-m", "harness.trainer.measure", str(model), sub_model]
    command += ["--threads", str(threads)]
    if checkpoint is not None:
        command += ["--checkpoint", str(checkpoint)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Need(**json.loads(out.splitlines()[-1]))


def measure_needs(
    model: Path, sub_models: Iterable[str], *, checkpoint: Path | None = None, threads: int = 2
) -> dict[str, Need]:
    """Measure several sub-models, one process each; see ``measure_need``."""
    return {s: measure_need(model, s, checkpoint=checkpoint, threads=threads) for s in sub_models}


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _MIB
    raise OSError(f"/proc/self/status has no {field}")


def _probe(model_path: Path, sub_model: str, checkpoint: Path | None, threads: int) -> Need:
    """Train a little in this process; import nothing here that the trainer would not import."""
    import time

    import ai_edge_litert.interpreter  # noqa: F401 - its pages belong to the base
    import numpy as np

    from harness.trainer.decode import greedy_decode
    from harness.trainer.runtime import FlatbufferModel, make_batch

    at_selection = _status_mb("VmRSS")
    shared = _status_mb("RssFile") + _status_mb("RssShmem")
    model = FlatbufferModel(model_path, threads)
    if checkpoint is not None:
        model.load_checkpoint(checkpoint)
    info = model.info
    rng = np.random.default_rng(0)
    letters = info.alphabet.replace(" ", "")
    text = "".join(rng.choice(list(letters), min(info.max_label, 60)))
    sounds = [
        model.features((rng.standard_normal(info.max_samples) * 3000).astype(np.int16))
        for _ in range(info.batch_size)
    ]
    batch = make_batch(sounds, [text] * info.batch_size, info)
    seconds = 0.0
    for _ in range(2):  # an epoch and another: the second meets all that the first left behind
        for logits in model.infer(batch):
            greedy_decode(logits, info.alphabet, info.blank)
        for _ in range(_STEPS):
            began = time.monotonic()
            model.train_step(sub_model, batch, 1e-5)
            seconds = time.monotonic() - began
        model.get_weights()
    peak = _status_mb("VmHWM")
    return Need(round(peak - at_selection, 1), round(at_selection - shared, 1), round(seconds, 4))


def main() -> None:
    """Measure in this process and print one line of JSON."""
    parser = argparse.ArgumentParser(description="Measure the memory that training needs.")
    parser.add_argument("model", type=Path)
    parser.add_argument("sub_model")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    need = _probe(given.model, given.sub_model, given.checkpoint, given.threads)
    print(json.dumps(vars(need)))  # the answer to the parent


if __name__ == "__main__":
    main()
