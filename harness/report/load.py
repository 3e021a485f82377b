"""Reading a run folder for the report: all that is there, however far the run has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from harness.contract.events import Epoch, PhaseChange, Selected
from harness.contract.network import Network
from harness.errors import InputError
from harness.report.skipped import SkippedJob, skipped_jobs
from harness.report.sub_models import RankedSubModel
from harness.report.text import plural
from harness.results.federated import LastModel, ModelRecord, last_models, models_of
from harness.results.files import StoreError
from harness.results.model import AttemptResult
from harness.results.networks import network_of
from harness.results.run import RunRecord
from harness.results.samples import SAMPLE_SCHEMA
from harness.results.scoring import Scoring, scoring_of, scoring_of_scenario
from harness.results.store import (
    AttemptFolder,
    ExitsRow,
    HypothesisRow,
    OtherSpeakerRow,
    Rows,
    RunFolder,
)
from harness.scenario.report import Report


def _no_samples(_columns: Sequence[str] | None = None) -> pa.Table:
    return SAMPLE_SCHEMA.empty_table()


def _no_hypotheses() -> Rows[HypothesisRow]:
    return Rows()


def _no_others() -> Rows[OtherSpeakerRow]:
    return Rows()


def _no_exits() -> Rows[ExitsRow]:
    return Rows()


def _no_figures() -> Mapping[str, float]:
    return {}


@dataclass(frozen=True)
class Attempt:
    """One attempt that has a result; its samples are read only when asked for."""

    key: str
    """Unique on the page: ``a1``, ``a2``, ..."""
    result: AttemptResult
    final: bool
    """The last attempt of its job: what the job came to."""
    network: Network = field(default_factory=partial(network_of, MappingProxyType({})), repr=False)
    """What its model calls its sub-models, in which order."""
    read_samples: Callable[[Sequence[str] | None], pa.Table] = field(
        default=_no_samples, compare=False
    )
    read_hypotheses: Callable[[], Rows[HypothesisRow]] = field(
        default=_no_hypotheses, compare=False
    )
    read_others: Callable[[], Rows[OtherSpeakerRow]] = field(default=_no_others, compare=False)
    read_exits: Callable[[], Rows[ExitsRow]] = field(default=_no_exits, compare=False)
    read_figures: Callable[[], Mapping[str, float]] = field(default=_no_figures, compare=False)
    """Rates that its run's scenario asks for besides: name -> value, where there is one."""

    def no_samples(self) -> pa.Table:
        """Return what stands for samples that cannot be read."""
        return _no_samples()

    def damaged_rows(self) -> tuple[str, ...]:
        """Return what cannot be read of the files with a line an utterance, in words, one a file.

        Raises:
            StoreError: One of them cannot be read at all.
        """
        files = (self.read_hypotheses(), self.read_others(), self.read_exits())
        found = (rows.damaged for rows in files)
        return tuple(
            lines[0] + (f" (and {plural(len(lines) - 1, 'more line')} of it)" if lines[1:] else "")
            for lines in found
            if lines
        )

    @property
    def finished(self) -> bool:
        """Whether it ended as planned or by a stop rule."""
        return self.result.status == "finished"

    @property
    def sub_model(self) -> RankedSubModel:
        """What the trainer chose."""
        selection = self.result.selection
        return self.ranked(selection.sub_model if selection else None)

    def ranked(self, name: str | None) -> RankedSubModel:
        """Return a sub-model of its network."""
        return RankedSubModel.of(name, self.network.sub_model_names)


@dataclass(frozen=True)
class UnderWay:
    """An attempt without a result: still going on, or cut off with the host."""

    job_id: str
    attempt: int
    sub_model: str | None
    phase: str | None
    epoch: int | None
    wer_percent: float | None


@dataclass(frozen=True)
class RunData:
    """What the report is made from."""

    record: RunRecord
    attempts: tuple[Attempt, ...] = ()
    under_way: tuple[UnderWay, ...] = ()
    skipped: tuple[SkippedJob, ...] = ()
    """Jobs that the lab gave up before they had a result."""
    problems: tuple[str, ...] = ()
    """Files of the run folder that cannot be read, in words."""
    path: Path | None = None
    """The run folder; None where results came without one."""
    models: tuple[ModelRecord, ...] = ()
    """What rounds of federated training came to."""
    last_models: tuple[LastModel, ...] = ()
    """What federated trainings came to in the end."""
    scoring: Scoring | None = None
    """How its scenario asks for errors to be counted besides; None: as ever."""

    @property
    def final(self) -> tuple[Attempt, ...]:
        """The last attempt of every job."""
        return tuple(attempt for attempt in self.attempts if attempt.final)

    @property
    def personal(self) -> tuple[Attempt, ...]:
        """Those of them that stand for themselves: no part in a round of federated training."""
        return alone(self.final)


def alone(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts that are no part of a federated training."""
    return tuple(attempt for attempt in attempts if attempt.result.client is None)


def as_attempts(
    results: Iterable[AttemptResult], models: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> tuple[Attempt, ...]:
    """Number results for a page and mark each job's last.

    Args:
        results: In the order of the page.
        models: Manifests by the model's name; one that is missing is of MobileASR's network.
    """
    return _numbered([(result, None) for result in results], models)


def _numbered(
    found: Iterable[tuple[AttemptResult, AttemptFolder | None]],
    models: Mapping[str, Mapping[str, Any]],
    first: int = 1,
) -> tuple[Attempt, ...]:
    ordered = list(found)
    names = {result.model_name for result, _ in ordered}
    networks = {name: network_of(models.get(name, {})) for name in names}
    last: dict[tuple[str, str], int] = {}
    for result, _ in ordered:
        job = (result.run_id, result.job_id)
        last[job] = max(last.get(job, 0), result.attempt)
    return tuple(
        Attempt(
            key=f"a{number}",
            result=result,
            final=result.attempt == last[result.run_id, result.job_id],
            network=networks[result.model_name],
            read_samples=folder.samples if folder else _no_samples,
            read_hypotheses=cache(folder.hypotheses) if folder else _no_hypotheses,
            read_others=cache(folder.others) if folder else _no_others,
            read_exits=cache(folder.exits) if folder else _no_exits,
        )
        for number, (result, folder) in enumerate(ordered, first)
    )


def load_runs(paths: Sequence[Path], asked: Report | None = None) -> tuple[RunData, ...]:
    """Read several run folders for one page.

    Args:
        paths: The run folders.
        asked: How errors are counted, in place of what their scenarios ask for.

    Raises:
        InputError: One of them is no run folder, or is named twice; a list of words cannot be used.
        StoreError: A ``run.json`` is damaged.
    """
    by_path: dict[Path, RunData] = {}
    first = 1
    for path in paths:
        if path.resolve() in by_path:
            raise InputError("this run is named twice", where=str(path))
        data = load_run(path, first, asked)
        first += len(data.attempts)
        by_path[path.resolve()] = data
    return tuple(by_path.values())


def load_run(path: Path, first: int = 1, asked: Report | None = None) -> RunData:
    """Read a run folder; damaged attempts are told of in ``problems`` and left out.

    Args:
        path: The run folder.
        first: Number of its first attempt on the page.
        asked: How errors are counted, in place of what its scenario asks for.

    Raises:
        InputError: ``path`` is no run folder, or the list of words cannot be used.
        StoreError: ``run.json`` is damaged.
    """
    folder = RunFolder.open(path)
    record = folder.record()
    order = {job.job_id: number for number, job in enumerate(record.plan)}
    problems: list[str] = []
    results: list[tuple[AttemptResult, AttemptFolder | None]] = []
    for attempt in folder.attempts():
        try:
            result = attempt.result()
        except StoreError as error:
            problems.append(relative(str(error), path))
            continue
        results.append((result, attempt))
    results.sort(key=lambda pair: (order.get(pair[0].job_id, len(order)), pair[0].attempt))
    attempts = _numbered(results, record.models, first)
    try:
        skipped = skipped_jobs(folder)
    except InputError as error:
        problems.append(relative(str(error), path))
        skipped = ()
    try:
        models = tuple(models_of(path))
        ends = tuple(last_models(path, models))
    except StoreError as error:
        problems.append(relative(str(error), path))
        models, ends = (), ()
    under_way = tuple(_under_way(folder))
    scoring = None
    try:
        scoring = (
            scoring_of_scenario(folder, record)
            if asked is None
            else scoring_of(folder, asked, checked=True)
        )
    except StoreError as error:
        problems.append(relative(str(error), path))
    if scoring is not None:
        attempts = tuple(
            replace(attempt, read_figures=cache(partial(_figures, scoring, attempt)))
            for attempt in attempts
        )
    return RunData(
        record, attempts, under_way, skipped, tuple(problems), folder.path, models, ends, scoring
    )


def _figures(scoring: Scoring, attempt: Attempt) -> Mapping[str, float]:
    """Return what an attempt came to in the kinds of words, and in characters."""
    epoch = attempt.result.kept_epoch
    if epoch is None:
        return {}
    try:
        return scoring.figures(attempt.read_hypotheses(), epoch)
    except StoreError:
        return {}  # the page names the damaged file among its problems


def relative(text: str, path: Path) -> str:
    """Cut the run folder's own place out of a message: a report travels."""
    return text.replace(f"{path}/", "")


def _under_way(folder: RunFolder) -> Iterable[UnderWay]:
    for events_path in sorted((folder.path / "attempts").glob("*/*/events.jsonl")):
        place = events_path.parent
        if (place / "result.json").exists() or not place.name.isdecimal():
            continue
        try:
            events = AttemptFolder(place, place.parent.name, int(place.name)).events()
        except StoreError:
            events = []  # being written, or damaged: that it is there is all we can say
        yield _state(place.parent.name, int(place.name), events)


def _state(job_id: str, attempt: int, events: list[Any]) -> UnderWay:
    sub_model = phase = None
    epoch: int | None = None
    wer: float | None = None
    for event in events:
        if isinstance(event, Selected):
            sub_model = event.sub_model
        elif isinstance(event, PhaseChange):
            phase = event.phase
        elif isinstance(event, Epoch):
            epoch, wer = event.epoch, event.wer_percent
    return UnderWay(job_id, attempt, sub_model, phase, epoch, wer)
