"""How much memory training a sub-model needs, measured as the trainer will meet it.

Each figure comes from a fresh process that is the trainer itself: ``python -m
harness.trainer.measure`` runs a job of 80 full-length utterances (noise) for two epochs of a few
steps, and notes its RSS where it selects.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.contract.events import Step
from harness.contract.job import (
    SUB_MODELS,
    Data,
    Job,
    ModelFiles,
    Outputs,
    Selection,
    Stop,
    SubModel,
    Utterance,
)
from harness.contract.job import Training as TrainingSettings
from harness.trainer.checkpoints import file_sha256
from harness.trainer.events import EventLog
from harness.trainer.loop import Training
from harness.trainer.runtime import ModelInfo

UTTERANCES = 80
"""60 to train and 20 to validate on, as the shipped scenarios have them."""
_STEPS = 3
_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Need:
    """One measured process (MiB; seconds)."""

    need_mb: float
    """Peak RSS minus RSS at selection."""
    base_mb: float
    """RSS less shared pages at selection."""
    step_seconds: float
    """Median of a full-length step."""


def measure_need(
    model: Path,
    sub_model: str,
    *,
    checkpoint: Path | None = None,
    threads: int = 2,
    utterances: int = UTTERANCES,
) -> Need:
    """Measure one sub-model in a fresh process.

    Args:
        model: The flatbuffer, which fixes the batch size.
        sub_model: S1 .. S8.
        checkpoint: Weights, for a file that has none of its own.
        threads: Of LiteRT.
        utterances: Held in memory as features, all of them full length.

    Raises:
        subprocess.CalledProcessError: The process failed; its words went to stderr.
    """
    command = [sys.executable, "-m", "harness.trainer.measure", str(model), sub_model]
    command += ["--threads", str(threads), "--utterances", str(utterances)]
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
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


class _Watched(Training):
    """The trainer, with a look at its own memory where it selects."""

    rss_mb = 0.0
    shared_mb = 0.0

    def _select(self) -> None:
        super()._select()
        self.rss_mb = _status_mb("VmRSS")
        self.shared_mb = _status_mb("RssFile") + _status_mb("RssShmem")


def _probe(
    model: Path, sub_model: SubModel, checkpoint: Path | None, threads: int, count: int
) -> Need:
    with tempfile.TemporaryDirectory(prefix="harness-measure-") as name:
        work = Path(name)
        job = _job(work, model, sub_model, checkpoint, threads, count)
        with EventLog(Path(job.outputs.events)) as log:
            watched = _Watched(job, log, lambda: False)
            watched.run()
        peak = _status_mb("VmHWM")
        with EventLog(Path(job.outputs.events)) as log:
            steps = [event.seconds for event in log.before if isinstance(event, Step)]
    return Need(
        need_mb=round(peak - watched.rss_mb, 1),
        base_mb=round(watched.rss_mb - watched.shared_mb, 1),
        step_seconds=round(statistics.median(steps), 4),
    )


def _job(
    work: Path,
    model: Path,
    sub_model: SubModel,
    checkpoint: Path | None,
    threads: int,
    count: int,
) -> Job:
    """Write recordings as long as the model takes, and return a job that trains on them."""
    info = _info_of(model)
    rng = np.random.default_rng(0)
    letters = list(info.alphabet.replace(" ", ""))
    most = min(info.max_label, info.output_frames(info.max_frames) // 2)
    utterances = []
    for n in range(count):
        path = work / f"{n}.wav"
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(info.sample_rate)
            samples = rng.integers(-9000, 9000, info.max_samples).astype("<i2")
            sound.writeframes(samples.tobytes())
        text = "".join(rng.choice(letters, most))
        utterances.append(Utterance(id=str(n), path=str(path), text=text))
    trained = _STEPS * info.batch_size
    return Job(
        job_id="measure",
        model=ModelFiles(
            name="measured",
            path=str(model.resolve()),
            sha256=file_sha256(model),
            checkpoint=str(checkpoint.resolve()) if checkpoint else None,
        ),
        data=Data(
            speaker="noise",
            train=tuple(utterances[:trained]),
            validation=tuple(utterances[trained:]),
        ),
        training=TrainingSettings(
            batch_size=info.batch_size, learning_rate=1e-5, epochs=2, threads=threads
        ),
        selection=Selection(candidates=(sub_model,), need_mb={sub_model: 1.0}, forced=sub_model),
        stop=Stop(battery_below_percent=0, available_below_mb=0),
        outputs=Outputs(
            folder=str(work),
            events=str(work / "events.jsonl"),
            checkpoints=str(work / "checkpoints"),
            stop_file=str(work / "stop"),
        ),
    )


def _info_of(model: Path) -> ModelInfo:
    """Return the model's sizes as another process reads them: this one must stay fresh."""
    code = (
        "import json, sys, dataclasses, pathlib;"
        "from harness.trainer.runtime import FlatbufferModel as M;"
        "print(json.dumps(dataclasses.asdict(M(pathlib.Path(sys.argv[1]), 1).info)))"
    )
    command = [sys.executable, "-c", code, str(model)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ModelInfo(**json.loads(out))


def main() -> None:
    """Measure in this process and print one line of JSON."""
    parser = argparse.ArgumentParser(description="Measure the memory that training needs.")
    parser.add_argument("model", type=Path)
    parser.add_argument("sub_model", choices=SUB_MODELS)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--utterances", type=int, default=UTTERANCES)
    given = parser.parse_args()
    need = _probe(given.model, given.sub_model, given.checkpoint, given.threads, given.utterances)
    print(json.dumps(vars(need)))  # the answer to the parent


if __name__ == "__main__":
    main()
