"""A run as pandas data frames: `harness.open_run`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.contract.events import Step
from harness.results.model import AttemptResult
from harness.results.run import RunRecord
from harness.results.store import AttemptFolder, ExitsRow, RunFolder

KEYS = ("job_id", "attempt")
"""What names an attempt in every frame."""

_PARTS = ("phone", "selection", "pressure", "sampling", "transfer", "failure")
_PLAIN = (str, int, float, bool, type(None))


class Run:
    """One run folder, read when it is asked for; nothing is written.

    Every frame has ``job_id`` and ``attempt``; join on them. Units stand in the columns' names;
    where a phone said nothing there is NA, never 0.

    Args:
        path: A run folder; ``runs/latest`` is the newest below ``runs``, as for the commands.
    """

    def __init__(self, path: Path) -> None:
        runs = sorted(path.parent.glob("*/run.json"))
        named = path.exists() or path.name != "latest"
        self.folder = RunFolder.open(path if named or not runs else runs[-1].parent)

    def __repr__(self) -> str:
        return f"<Run {self.folder.run_id}: {len(self._results)} attempts>"

    @cached_property
    def record(self) -> RunRecord:
        """``run.json``: the scenario with its defaults, the plan, versions, phones."""
        return self.folder.record()

    @cached_property
    def _results(self) -> list[tuple[AttemptFolder, AttemptResult]]:
        return [(folder, folder.result()) for folder in self.folder.attempts()]

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """One row an attempt: what was asked (dotted paths), on what, what came out.

        ``last`` says whether it is the last of its job: what the job came to.
        """
        last = {result.job_id: result.attempt for _, result in self._results}
        return _frame(
            {**_flat(result), "last": last[result.job_id] == result.attempt}
            for _, result in self._results
        )

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row an evaluated epoch; epoch 0 is before training."""
        return _frame(
            {**_key(result), **epoch.model_dump(), "kept": epoch.epoch == result.kept_epoch}
            for _, result in self._results
            for epoch in result.epochs
        )

    @cached_property
    def others(self) -> pd.DataFrame:
        """One row another speaker and epoch, where ``also_evaluate`` asked for them.

        Epoch 0 is before training, the other one that whose weights were kept.
        """
        return _frame(
            {**_key(result), "owner": result.speaker, **other.model_dump()}
            for _, result in self._results
            for other in result.others
        )

    @cached_property
    def exits(self) -> pd.DataFrame:
        """One row an utterance, epoch and exit that was computed for it (``trainer.exits``).

        ``left`` says whether the utterance left there: one row of each utterance and epoch.
        ``seconds`` are of the segment alone, ``until_seconds`` of all up to there, for the whole
        batch; ``rule_seconds`` are of the utterance.
        """
        return _frame(
            {**_key(result), "speaker": result.speaker, "rule": result.exits.label, **row}
            for folder, result in self._results
            if result.exits is not None
            for told in folder.exits()
            for row in _answers(told)
        )

    @cached_property
    def phases(self) -> pd.DataFrame:
        """One row a phase: preprocess, load, train, evaluate, save; seconds of the samples."""
        return _frame(
            {**_key(result), **phase.model_dump()}
            for _, result in self._results
            for phase in result.phases
        )

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row a training step: loss, seconds, utterances."""
        return _frame(
            {**_key(result), **event.model_dump(exclude={"type"})}
            for folder, result in self._results
            for event in folder.events()
            if isinstance(event, Step)
        )

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event of the trainer's log; what is not plain stays as it is (lists)."""
        return _frame(
            {**_key(result), **event.model_dump()}
            for folder, result in self._results
            for event in folder.events()
        )

    def samples(
        self, columns: Sequence[str] | None = None, *, job_id: str | None = None
    ) -> pd.DataFrame:
        """Return the seconds of all attempts, one below the other.

        Args:
            columns: Read these only; None = all. An hour is 3,600 rows, so a large run wants few.
            job_id: Of this job only.
        """
        parts = []
        for folder, result in self._results:
            if job_id in (None, result.job_id):
                part = folder.samples(columns).to_pandas()
                for place, (name, value) in enumerate(_key(result).items()):
                    part.insert(place, name, value)
                parts.append(part)
        known = [part for part in parts if len(part)] or parts
        return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(KEYS))

    def sample_files(self) -> list[Path]:
        """Return the Parquet files of the samples, for DuckDB, Polars and the like."""
        return [folder.samples_path for folder, _ in self._results if folder.samples_path.exists()]


def _answers(row: ExitsRow) -> Iterator[dict[str, Any]]:
    until = 0.0
    for answer in row.answers:
        until += answer.seconds
        yield {
            "epoch": row.epoch,
            "id": row.id,
            "exit": answer.exit,
            "left": answer.exit == row.exit,
            "reference": row.reference,
            "hypothesis": answer.text,
            "seconds": answer.seconds,
            "until_seconds": until,
            "rule_seconds": row.rule_seconds,
            "rows": row.rows,
            "entropy": answer.entropy,
            "posterior": answer.posterior,
        }


def _key(result: AttemptResult) -> dict[str, Any]:
    return {"job_id": result.job_id, "attempt": result.attempt}


def _flat(result: AttemptResult) -> dict[str, Any]:
    """Return a result's plain fields; settings by their dotted path, parts by their name."""
    row: dict[str, Any] = _key(result)
    whole = result.model_dump()
    row.update({k: v for k, v in whole.items() if isinstance(v, _PLAIN) and k not in _PARTS})
    row.update({path: _cell(value) for path, value in result.axes.items()})
    for part in _PARTS:
        inner = whole[part] or {}
        row.update({f"{part}.{key}": v for key, v in inner.items() if isinstance(v, _PLAIN)})
    row["notes"] = "; ".join(result.notes)
    return row


def _cell(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else str(value)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    records = list(rows)
    return pd.DataFrame(records) if records else pd.DataFrame(columns=list(KEYS))


def frames(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (name, frame) of all but the samples, which are large.

    Other speakers have one where somebody was listened to, exits where utterances left at them.
    """
    for name in ("attempts", "epochs", "phases", "steps"):
        yield name, getattr(run, name)
    if len(run.others):
        yield "others", run.others
    if len(run.exits):
        yield "exits", run.exits
