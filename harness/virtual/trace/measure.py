"""Make a cost model of a run that was really trained.

``python -m harness.virtual.trace.measure RUN_FOLDER --name NAME --base-mb MB`` prints the table.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.contract.events import Epoch, Finished, PhaseChange, Selected, Started, Step
from harness.contract.job import Job
from harness.errors import HarnessError, InputError
from harness.trainer.events import read_log
from harness.virtual.trace.replay import TRAINER_NAME
from harness.virtual.trace.table import Table


def _of(events: Sequence[Any], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def _phase_s(events: Sequence[Any], phase: str) -> float:
    """Return the seconds of a phase, all its times together."""
    marks = {"begin": 0, "end": 0}
    for event in _of(events, PhaseChange):
        if event.phase == phase:
            marks[event.state] += event.t_boot_ms
    return (marks["end"] - marks["begin"]) / 1000


def measure(run: Path, name: str, base_mb: float) -> Table:
    """Return the cost model of a run: the mean of its attempts, curves of the longest.

    Raises:
        InputError: The run has no finished attempt, or one that was itself a trace.
    """
    attempts: dict[str, list[tuple[Job, list[Any]]]] = {}
    for path in sorted(run.glob("attempts/*/*/events.jsonl")):
        events = read_log(path)
        if not _of(events, Finished) or not _of(events, Step):
            continue
        if _of(events, Started)[0].trainer == TRAINER_NAME:
            raise InputError("these were traces: nothing was measured", where=str(run))
        job = Job.model_validate_json((path.parent / "job.json").read_bytes())
        attempts.setdefault(str(_of(events, Selected)[0].sub_model), []).append((job, events))
    if not attempts:
        raise InputError("no finished attempt with a step in it", where=str(run))
    every = [pair for pairs in attempts.values() for pair in pairs]
    first = every[0][0]
    runtime = _of(every[0][1], Started)[0].runtime
    mean = statistics.fmean
    return Table(
        name=name,
        measured=(
            f"run {run.resolve().name}: {first.model.name}, {len(first.data.train)} utterances of "
            f"{first.data.speaker}, batch {first.training.batch_size}, "
            f"{first.training.threads} thread(s), {runtime}"
        ),
        load_s=round(mean(_phase_s(e, "load") for _, e in every), 4),
        preprocess_utterance_s=round(
            mean(
                _phase_s(e, "preprocess") / (len(j.data.train) + len(j.data.validation))
                for j, e in every
            ),
            5,
        ),
        evaluate_utterance_s=round(
            mean(
                event.evaluate_seconds / len(job.data.validation)
                for job, events in every
                for event in _of(events, Epoch)
            ),
            5,
        ),
        base_mb=base_mb,
        sub_models={sub: _cost(attempts[sub]) for sub in _largest_first(attempts)},
    )


def _largest_first(attempts: Mapping[str, Sequence[tuple[Job, list[Any]]]]) -> list[str]:
    """Return the sub-models by what the jobs say that they need."""
    need_mb = {}
    for pairs in attempts.values():
        for job, _ in pairs:
            need_mb.update(job.selection.need_mb)
    return sorted(attempts, key=lambda name: (-need_mb.get(name, 0.0), name))


def _cost(pairs: Sequence[tuple[Job, list[Any]]]) -> Any:
    steps = [step for _, events in pairs for step in _of(events, Step)]
    each = [step.seconds / step.utterances for step in steps]
    mean = sum(step.seconds for step in steps) / sum(step.utterances for step in steps)
    longest = max((_of(events, Epoch) for _, events in pairs), key=len)
    peaks = [_of(events, Finished)[0].peak_rss_mb or 0.0 for _, events in pairs]
    return {
        "train_utterance_s": round(mean, 5),
        "spread": round(statistics.pstdev(each) / mean, 3),
        "train_loss": [round(e.train_loss, 4) for e in longest if e.train_loss is not None],
        "wer_percent": [round(e.wer_percent, 2) for e in longest],
        "peak_rss_mb": round(max(peaks), 1),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m harness.virtual.trace.measure")
    parser.add_argument("run", type=Path, help="folder of a run that was trained")
    parser.add_argument("--name", required=True, help="name of the table: the model's")
    parser.add_argument("--base-mb", type=float, required=True,
                        help="trainer_base_mb of the model's manifest")  # fmt: skip
    options = parser.parse_args(argv)
    try:
        table = measure(options.run, options.name, options.base_mb)
    except HarnessError as error:
        print(f"measure: {error}", file=sys.stderr)
        return error.exit_code
    print(yaml.safe_dump(table.model_dump(mode="json"), sort_keys=False, width=100), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
