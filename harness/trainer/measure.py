"""How much memory training a sub-model needs, measured as the trainer will meet it.

Each figure comes from a fresh process that is the trainer itself: ``python -m
harness.trainer.measure`` runs a job with recordings as long as the model takes (noise), for two
epochs of a few steps each with evaluation and checkpoints, and notes its memory where it selects.
What more utterances would add is their features, which stay in memory: as many are held as a
session has, so that a figure takes seconds and not the minutes of whole epochs.
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
    Data,
    Job,
    ModelFiles,
    Outputs,
    Selection,
    Stop,
    Utterance,
)
from harness.contract.job import Training as TrainingSettings
from harness.trainer.checkpoints import file_sha256
from harness.trainer.events import EventLog
from harness.trainer.flatbuffer_learner import Features, FlatbufferLearner
from harness.trainer.flatfile import read_info
from harness.trainer.info import ModelInfo
from harness.trainer.learner import run_now
from harness.trainer.loop import Training

UTTERANCES = 80
"""60 to train and 20 to validate on, as the shipped scenarios have them."""
STEPS = 1
"""An epoch, and there are two: more of them, or more batches to evaluate, do not raise the peak."""
EVALUATED = 1
"""Batches of an evaluation."""
_KIB_PER_MIB = 1024.0


@dataclass(frozen=True)
class Need:
    """One measured process (MiB; seconds)."""

    need_mb: float
    """Peak RSS minus RSS at selection: what selection compares with the available RAM."""
    base_mb: float
    """RSS less shared pages at selection."""
    step_seconds: float
    """Median of a full-length step."""
    selected_mb: float = 0.0
    """RSS at selection, shared pages (the code of Python and LiteRT) included."""

    @property
    def peak_mb(self) -> float:
        """Peak RSS of the whole process."""
        return round(self.selected_mb + self.need_mb, 1)


def measure_need(
    model: Path,
    sub_model: str,
    *,
    checkpoint: Path | None = None,
    threads: int = 2,
    utterances: int = UTTERANCES,
    ordered: bool = False,
) -> Need:
    """Measure one sub-model in a fresh process.

    Args:
        model: The flatbuffer, which fixes the batch size.
        sub_model: By its name in the file.
        checkpoint: Weights, for a file that has none of its own.
        threads: Of LiteRT.
        utterances: Held in memory as features, all of them full length.
        ordered: Run the operators in the file's own order.

    Raises:
        InputError: The file is no model that the trainer can use.
        subprocess.CalledProcessError: The process failed; its words went to stderr.
    """
    with tempfile.TemporaryDirectory(prefix="harness-measure-") as name:
        folder = Path(name)
        job = _job(folder, model, sub_model, checkpoint, threads, ordered=ordered)
        path = folder / "job.json"
        path.write_text(job.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "harness.trainer.measure", str(path), str(utterances)]
        # A session of its own: Ctrl-C reaches this process only, and this one ends that one
        process = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    if process.returncode:  # LiteRT greets on stderr each time: that is told only with a failure
        sys.stderr.write(process.stderr)
        process.check_returncode()
    return Need(**json.loads(process.stdout.splitlines()[-1]))


def measure_needs(
    model: Path,
    sub_models: Iterable[str],
    *,
    checkpoint: Path | None = None,
    threads: int = 2,
    ordered: bool = False,
) -> dict[str, Need]:
    """Measure several sub-models, one process each; see ``measure_need``."""
    return {
        name: measure_need(model, name, checkpoint=checkpoint, threads=threads, ordered=ordered)
        for name in sub_models
    }


def _job(
    folder: Path,
    model: Path,
    sub_model: str,
    checkpoint: Path | None,
    threads: int,
    *,
    ordered: bool,
) -> Job:
    """Write recordings as long as the model takes, and return a job that trains on them."""
    info = read_info(model)
    trained, evaluated = STEPS * info.batch_size, EVALUATED * info.batch_size
    utterances = [_utterance(folder, n, info) for n in range(trained + evaluated)]
    return Job(
        job_id="measure",
        ordered=ordered,
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
        stop=Stop(battery_below_percent=0, available_below_mb=0, patience=2),
        outputs=Outputs(
            folder=str(folder),
            events=str(folder / "events.jsonl"),
            checkpoints=str(folder / "checkpoints"),
            stop_file=str(folder / "stop"),
        ),
    )


def _utterance(folder: Path, number: int, info: ModelInfo) -> Utterance:
    rng = np.random.default_rng(number)
    path = folder / f"{number}.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(info.sample_rate)
        sound.writeframes(rng.integers(-9000, 9000, info.max_samples).astype("<i2").tobytes())
    length = min(info.max_label, info.output_frames(info.max_frames) // 2)
    length -= bool(info.network.pieces)  # the begin of a word may be a label of its own
    text = "".join(rng.choice(list(info.alphabet.replace(" ", "")), length))
    return Utterance(id=str(number), path=str(path), text=text)


class _HoldingLearner(FlatbufferLearner):
    """The trainer's learner, with more utterances in memory than the job has.

    Args:
        job: As for the trainer.
        held: Utterances in memory in all; those that the job lacks are copies.
    """

    def __init__(self, job: Job, utterances: int) -> None:
        super().__init__(job, lambda: False)
        self._missing = utterances - len(job.data.train) - len(job.data.validation)
        self._spare: Features = ()

    async def features(self) -> None:
        await super().features()
        train = self._train
        self._spare = [train[n % len(train)].copy() for n in range(self._missing)]


class _WatchedTraining(Training):
    """The training protocol, with a look at this process' memory where it selects."""

    rss_mb = 0.0
    shared_mb = 0.0

    async def _select(self) -> None:
        await super()._select()
        self.rss_mb = _status_mb("VmRSS")
        self.shared_mb = _status_mb("RssFile") + _status_mb("RssShmem")


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / _KIB_PER_MIB
    raise OSError(f"/proc/self/status has no {field}")


def _run(job: Job, utterances: int) -> Need:
    with EventLog(Path(job.outputs.events)) as log:
        watched = _WatchedTraining(job, _HoldingLearner(job, utterances), log)
        run_now(watched.run())
    peak = _status_mb("VmHWM")
    with EventLog(Path(job.outputs.events)) as log:
        steps = [event.seconds for event in log.before if isinstance(event, Step)]
    return Need(
        need_mb=round(peak - watched.rss_mb, 1),
        base_mb=round(watched.rss_mb - watched.shared_mb, 1),
        step_seconds=round(statistics.median(steps), 4),
        selected_mb=round(watched.rss_mb, 1),
    )


def main() -> None:
    """Run a job in this process and print one line of JSON for the parent."""
    parser = argparse.ArgumentParser(description="Run a training job and say what it needed.")
    parser.add_argument("job", type=Path)
    parser.add_argument("utterances", type=int)
    arguments = parser.parse_args()
    job = Job.model_validate_json(arguments.job.read_bytes())
    print(json.dumps(vars(_run(job, arguments.utterances))))


if __name__ == "__main__":
    main()
