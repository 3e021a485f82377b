"""How the figures of a phone moved from run to run (pure, but for `past_runs`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from harness.report.load import RunData
from harness.results.compare import METRICS, WER, Metric, Observation
from harness.results.files import StoreError
from harness.results.nightly import NightFigure, NightlyRecord, Verdict, read_nightly
from harness.results.store import RunFolder
from harness.results.wer_interval import wer_interval

Key = tuple[str, str]
"""Metric and phone."""
UNREADABLE = "nightly.json cannot be read"
"""What stands in place of a verdict."""


@dataclass(frozen=True)
class Night:
    """One run in a row of runs."""

    run_id: str
    started_utc: str
    figures: Mapping[Key, NightFigure]
    role: str
    """``now``, ``baseline``, or why it is no baseline."""
    path: Path | None = None
    word: str = ""
    """Its own verdict, if it was a nightly run."""
    commit: str = ""
    """Of the harness that made it."""

    def link(self, page: str, from_folder: Path) -> str:
        """Return where one of its pages lies as seen from a folder; empty if it is not there."""
        if self.path is None or not (self.path / "report" / page).is_file():
            return ""
        return Path(os.path.relpath(self.path / "report" / page, from_folder)).as_posix()


@dataclass(frozen=True)
class Trend:
    """One metric over the runs: a line a phone."""

    metric: Metric
    phones: tuple[str, ...]
    nights: tuple[Night, ...]

    def value(self, night: Night, phone: str) -> NightFigure | None:
        """Return a phone's figure of a run."""
        return night.figures.get((self.metric.name, phone))


def figures_of(observations: Sequence[Observation]) -> dict[Key, NightFigure]:
    """Return medians by metric and phone; of a WER how sure it is."""
    groups: dict[Key, list[Observation]] = {}
    for observation in observations:
        for name in observation.values:
            groups.setdefault((name, observation.phone), []).append(observation)
    return {
        (name, phone): NightFigure(
            metric=name,
            phone=phone,
            figure=_middle(name)(member.values[name] for member in members),
            interval=_interval(members) if name == WER else None,
        )
        for (name, phone), members in groups.items()
    }


def _middle(metric: str) -> Callable[[Iterable[float]], float]:
    # a median of counts that are mostly 0 is 0
    return fmean if metric == "failed_attempts" else median


def _interval(members: Iterable[Observation]) -> tuple[float, float] | None:
    interval = wer_interval(row for member in members for row in member.utterances)
    return interval.ends if interval else None


def night_of(data: RunData, observations: Sequence[Observation], role: str) -> Night:
    """Return a run that was read for this page."""
    mark = _mark_of(RunFolder(data.path)) if data.path else None
    word = UNREADABLE if isinstance(mark, StoreError) else ""
    if isinstance(mark, NightlyRecord) and mark.verdict:
        word = mark.verdict.word
    return Night(
        data.record.run_id,
        data.record.started_utc,
        figures_of(observations),
        role,
        data.path,
        word,
        data.record.versions.get("commit", "")[:12],
    )


def _mark_of(folder: RunFolder) -> NightlyRecord | StoreError | None:
    """Return a run's nightly record; one that is damaged costs no page."""
    try:
        return read_nightly(folder)
    except StoreError as error:
        return error


def past_runs(folders: Iterable[Path], known: Iterable[str]) -> list[Night]:
    """Return nightly runs that are no baseline, by what their own verdicts hold of them.

    Args:
        folders: Nightly runs of the same scenario.
        known: Names of the runs that are on the page anyway.

    Raises:
        StoreError: A ``run.json`` is damaged.
    """
    names = set(known)
    nights = []
    for path in folders:
        folder = RunFolder(path)
        if folder.run_id in names:
            continue
        mark, record = _mark_of(folder), folder.record()
        commit = record.versions.get("commit", "")[:12]
        if isinstance(mark, StoreError):
            nights.append(
                Night(folder.run_id, record.started_utc, {}, "not good", path, UNREADABLE, commit)
            )
            continue
        verdict = mark.verdict if mark else None
        if mark is None or verdict is None:
            continue
        figures = _figures_kept(verdict)
        role = "older" if mark.good else "not good"
        nights.append(
            Night(folder.run_id, record.started_utc, figures, role, path, verdict.word, commit)
        )
    return nights


def _figures_kept(verdict: Verdict) -> dict[Key, NightFigure]:
    figures = verdict.figures or [
        NightFigure(
            metric=finding.metric,
            phone=finding.phone,
            figure=finding.now,
            interval=finding.now_interval,
        )
        for finding in (verdict.comparison.findings if verdict.comparison else ())
        if finding.now is not None
    ]
    return {(figure.metric, figure.phone): figure for figure in figures}


def trends(nights: Sequence[Night]) -> tuple[Trend, ...]:
    """Return a trend for each metric that two runs have on one phone.

    Args:
        nights: The oldest first.
    """
    rows = []
    for metric in METRICS:
        phones = dict.fromkeys(
            phone for night in nights for name, phone in night.figures if name == metric.name
        )
        repeated = tuple(
            phone
            for phone in sorted(phones)
            if sum((metric.name, phone) in night.figures for night in nights) > 1
        )
        if repeated and _telling(metric, repeated, nights):
            rows.append(Trend(metric, repeated, tuple(nights)))
    return tuple(rows)


def _telling(metric: Metric, phones: Sequence[str], nights: Sequence[Night]) -> bool:
    """Say whether there is anything to see: attempts that never failed are no line."""
    values = [night.figures.get((metric.name, phone)) for night in nights for phone in phones]
    return metric.name != "failed_attempts" or any(value and value.figure for value in values)
