"""A run as pandas data frames: `harness.open_run`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from harness.contract.events import Step, UtteranceStreamed
from harness.errors import InputError
from harness.metrics.werr import Average
from harness.metrics.words import WordErrors
from harness.results.model import AttemptResult
from harness.results.run import RunRecord
from harness.results.scoring import Scoring, scoring_of, scoring_of_scenario
from harness.results.store import AttemptFolder, ExitsRow, HypothesisRow, Rows, RunFolder
from harness.results.wer_interval import Utterance
from harness.results.werr_interval import werr
from harness.results.werr_pairs import Pair, pairs_of
from harness.scenario.report import Report

KEYS = ("job_id", "attempt")
"""What names an attempt in every frame."""

_PARTS = (
    *("phone", "selection", "pressure", "sampling", "transfer", "failure"),
    *("exits", "stored", "streaming"),
)
_SPEAKER = "data.speaker"
_PLAIN = (str, int, float, bool, type(None))


class Run:
    """One run folder, read when it is asked for; nothing is written.

    Every frame has ``job_id`` and ``attempt``; join on them. Units stand in the columns' names;
    where a phone said nothing there is NA, never 0.

    Args:
        path: A run folder; ``runs/latest`` is the newest below ``runs``, as for the commands.
        scoring: How `word_errors` and `werr` count; None: as the scenario asks (`scored`).
    """

    def __init__(self, path: Path, *, scoring: Scoring | None = None) -> None:
        self._asked = scoring
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
            {**_key(result), "speaker": result.speaker, "rule": _rule(result), **row}
            for result, rows in self._exit_rows
            for told in rows
            for row in _answers(told)
        )

    @cached_property
    def streamed(self) -> pd.DataFrame:
        """One row an utterance and epoch that was heard while it went on (``trainer.streaming``).

        ``compute_s`` is of all its steps together, ``last_word_s`` from the end of speech to the
        last change of the text: NA where nothing was heard. Of an utterance that a trainer told
        twice, as after a kill, the last counts.
        """
        told = {
            (*_key(result).values(), event.epoch, event.id): {
                **_key(result),
                "speaker": result.speaker,
                **event.model_dump(exclude={"type", "seq", "t_boot_ms"}),
                "real_time_factor": event.compute_s / event.audio_s,
                "kept": event.epoch == result.kept_epoch,
            }
            for folder, result in self._results
            if result.streaming is not None
            for event in folder.events()
            if isinstance(event, UtteranceStreamed)
        }
        return _frame(told.values())

    @cached_property
    def by_exit(self) -> pd.DataFrame:
        """One row an attempt and exit: what the exit came to in the epoch that was kept.

        ``share_percent`` of the utterances left there; ``wer_percent`` and ``seconds`` (the median
        of all segments up to it, for a batch) are of the ``utterances`` that it was computed for,
        ``rule_seconds`` of those that left.
        """
        return _frame(
            {
                **_key(result),
                "speaker": result.speaker,
                "rule": result.exits.label,
                "epoch": result.exits.epoch,
                **each.model_dump(),
            }
            for _, result in self._results
            if result.exits is not None
            for each in result.exits.by_exit
        )

    def scored(self, report: Mapping[str, Any]) -> Run:
        """Return the same run, with `word_errors` and `werr` counted in another way.

        Args:
            report: As ``report`` of a scenario: ``{"rare_words": {"vocabulary_rank": 5000}}``.

        Raises:
            InputError: It is wrong, or its list of words tells nothing.
        """
        try:
            asked = Report.model_validate(report)
        except ValidationError as error:
            raise InputError(str(error), where="report") from error
        return Run(self.folder.path, scoring=scoring_of(self.folder, asked, checked=True))

    @cached_property
    def scoring(self) -> Scoring | None:
        """How `word_errors` and `werr` count; None where nobody asks for them."""
        return self._asked or scoring_of_scenario(self.folder, self.record)

    @cached_property
    def word_errors(self) -> pd.DataFrame:
        """One row an epoch, speaker and kind of word: all, rare, common; or characters.

        Empty where nobody asks for it (``report`` of the scenario, or `scored`). ``rate_percent``
        is NA where nothing of the kind is said.
        """
        scoring = self.scoring
        return _frame(
            {**_key(result), **row}
            for folder, result in self._results
            if scoring is not None
            for row in _kinds(scoring, folder, result)
        )

    @cached_property
    def werr(self) -> pd.DataFrame:
        """One row a setting, speaker and kind of word, against the baseline that is asked for.

        Settings stand by their dotted paths; ``werr_percent`` is below zero where more errors are
        made than by the baseline. Of several speakers there are two rows more, whose ``speaker``
        is NA: ``average`` says how they are put together, ``pooled`` (of their errors together) or
        ``mean_of_ratios`` (the mean of their own). Of a federated training a client is a speaker.
        """
        scoring = self.scoring
        if scoring is None:
            return _frame([])
        last = {result.job_id: result.attempt for _, result in self._results}
        attempts = [
            _Evaluated(result, folder.hypotheses)
            for folder, result in self._results
            if result.status == "finished" and last[result.job_id] == result.attempt
        ]
        return pd.DataFrame(_werr_rows(pairs_of(scoring.asked, attempts)[0], scoring))

    @cached_property
    def _exit_rows(self) -> list[tuple[AttemptResult, Rows[ExitsRow]]]:
        return [
            (result, folder.exits()) for folder, result in self._results if result.exits is not None
        ]

    @property
    def damaged(self) -> tuple[str, ...]:
        """Lines of ``exits.jsonl`` that cannot be read and are left out, in words."""
        return tuple(line for _, rows in self._exit_rows for line in rows.damaged)

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


@dataclass(frozen=True)
class _Evaluated:
    result: AttemptResult
    read_hypotheses: Callable[[], list[HypothesisRow]]


_AVERAGES: tuple[Average, ...] = ("pooled", "mean_of_ratios")


def _werr_rows(pairs: Iterable[Pair[_Evaluated]], scoring: Scoring) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[Pair[_Evaluated]]] = {}
    for pair in pairs:
        groups.setdefault(json.dumps(_settings(pair), default=str), []).append(pair)
    for own in groups.values():
        for kind in scoring.kinds:
            sets: dict[str, tuple[list[Utterance], list[Utterance]]] = {}
            for pair in own:
                heard = pair.heard(scoring, kind)
                base, new = sets.setdefault(pair.speaker, ([], []))
                base += heard[0]
                new += heard[1]
                row = {**_speaker(pair), "of": kind, "average": None}
                yield {**_settings(pair), **row, **werr([heard]).figures()}
            for average in _AVERAGES if len(sets) > 1 else ():
                row = {"speaker": None, "of": kind, "average": average}
                yield {**_settings(own[0]), **row, **werr(sets.values(), average).figures()}


def _settings(pair: Pair[_Evaluated]) -> dict[str, Any]:
    axes = {path: _cell(value) for path, value in pair.result.axes.items() if path != _SPEAKER}
    return {**axes, "round": pair.result.round}


def _speaker(pair: Pair[_Evaluated]) -> dict[str, Any]:
    axes = pair.result.axes
    return {**({_SPEAKER: axes[_SPEAKER]} if _SPEAKER in axes else {}), "speaker": pair.speaker}


def _kinds(
    scoring: Scoring, folder: AttemptFolder, result: AttemptResult
) -> Iterator[dict[str, Any]]:
    heard: dict[tuple[int, str], list[HypothesisRow]] = {}
    for own in folder.hypotheses():
        heard.setdefault((own.epoch, result.speaker), []).append(own)
    for other in folder.others():
        heard.setdefault((other.epoch, other.speaker), []).append(other)
    for (epoch, speaker), rows in heard.items():
        for kind in scoring.kinds:
            utterances = scoring.utterances(rows, epoch, speaker, kind)
            errors = sum(
                (
                    WordErrors(u.substitutions, u.deletions, u.insertions, u.words)
                    for u in utterances
                ),
                WordErrors(),
            )
            yield {
                "epoch": epoch,
                "speaker": speaker,
                "of": kind,
                "rate_percent": errors.wer_percent,
                "substitutions": errors.substitutions,
                "deletions": errors.deletions,
                "insertions": errors.insertions,
                "reference": errors.reference_words,
                "kept": epoch == result.kept_epoch,
            }


def _rule(result: AttemptResult) -> str:
    return "" if result.exits is None else result.exits.label


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
    if result.exits is not None:
        row["exits.rule"] = result.exits.label
    row["notes"] = "; ".join(result.notes)
    return row


def _cell(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else str(value)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    records = list(rows)
    return pd.DataFrame(records) if records else pd.DataFrame(columns=list(KEYS))


def frames(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (name, frame) of all but the samples, which are large.

    Other speakers have one where somebody was listened to, exits and what each came to where
    utterances left at them, streamed utterances where they were heard while they went on, word
    errors and WERR where the scenario's ``report`` asks for them.
    """
    for name in ("attempts", "epochs", "phases", "steps"):
        yield name, getattr(run, name)
    if len(run.others):
        yield "others", run.others
    for name in ("exits", "by_exit", "streamed", "word_errors", "werr"):
        if len(getattr(run, name)):
            yield name, getattr(run, name)
