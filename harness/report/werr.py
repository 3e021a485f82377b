"""WERR against a named baseline: by how much of its word errors other trainings have fewer (pure).

The baseline is each training before it begins, the jobs that have some values of the matrix, or, of
several runs, the first of them. Only what was heard of the same utterances is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.werr import Average
from harness.report.axes import RUN, SPEAKER, label_of, settings_at, shown, varying
from harness.report.load import Attempt, RunData
from harness.report.numbers import signed
from harness.report.text import plural
from harness.report.word_classes import rows_of
from harness.results.model import AttemptResult
from harness.results.scoring import Kind, Scoring
from harness.results.store import HypothesisRow
from harness.results.wer_interval import Utterance
from harness.results.werr_interval import Werr, werr
from harness.results.werr_pairs import Pair, pairs_against, pairs_of
from harness.scenario.report import Report

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class WerrRow:
    """What one setting comes to against the baseline, in one kind of word."""

    settings: Settings
    """Empty of all of them together."""
    kind: Kind
    cells: Mapping[str, Werr]
    """By speaker."""
    averages: Mapping[Average, Werr]
    """Over all speakers: of their errors together, and the mean of their own."""
    asked: Average
    """Which of both the scenario goes by."""

    @property
    def together(self) -> Werr:
        """Over all speakers, as the scenario asks."""
        return self.averages[self.asked]


@dataclass(frozen=True)
class WerrMatrix:
    """Settings against speakers."""

    title: str
    """The run, where a page has several; else empty."""
    baseline: str
    """In words."""
    asked: Report
    speakers: tuple[str, ...]
    rows: tuple[WerrRow, ...]
    alone: int
    """Trainings that no baseline is like: nothing is said of them."""

    @property
    def whole(self) -> tuple[WerrRow, ...]:
        """All settings together, a row a kind of word."""
        return tuple(row for row in self.rows if row.settings == self.rows[-1].settings)


AVERAGES: Mapping[Average, str] = {
    "pooled": "all, errors together",
    "mean_of_ratios": "all, mean of their WERR",
}
"""How speakers are put together, in the words of a table."""
_IN_WORDS: Mapping[Average, str] = {
    "pooled": "all speakers' errors together",
    "mean_of_ratios": "the mean of the speakers' own WERR",
}


def matrices(runs: Sequence[RunData]) -> tuple[WerrMatrix, ...]:
    """Return a matrix of each run whose scenario names a baseline."""
    found: list[WerrMatrix] = []
    for run in runs:
        if run.scoring is None or run.scoring.asked.baseline is None:
            continue
        attempts = [Readable(attempt) for attempt in run.final if attempt.finished]
        pairs, alone = pairs_of(run.scoring.asked, attempts)
        title = run.record.run_id if len(runs) > 1 else ""
        named = run.scoring.asked.baseline
        paths = list(named) if isinstance(named, dict) else []
        found += _matrix(title, named_baseline(run.scoring.asked), paths, run.scoring, pairs, alone)
    return tuple(found)


def named_baseline(asked: Report) -> str:
    """Return what a scenario's baseline is called."""
    if not isinstance(asked.baseline, dict):
        return "the start of each training"
    return ", ".join(f"{label_of(path)} {shown(value)}" for path, value in asked.baseline.items())


def against_first(runs: Sequence[RunData]) -> WerrMatrix | None:
    """Return the WERR of several runs against the first of them.

    Returns:
        None unless a later run has a job that is like one of the first, but for the run.
    """
    if len(runs) < 2:
        return None
    first = runs[0].record.run_id
    attempts = [Readable(attempt) for run in runs for attempt in run.final if attempt.finished]
    pairs, alone = pairs_against(first, attempts)
    scoring = runs[-1].scoring or Scoring(Report())
    return next(iter(_matrix("", f"run {first}", [RUN], scoring, pairs, alone)), None)


@dataclass(frozen=True)
class Readable:
    """An attempt of a page whose damaged hypotheses are none: the page names the file."""

    attempt: Attempt

    @property
    def result(self) -> AttemptResult:
        """What it came to."""
        return self.attempt.result

    @property
    def read_hypotheses(self) -> Callable[[], Sequence[HypothesisRow]]:
        """What it heard."""
        return lambda: rows_of(self.attempt)


def _matrix(
    title: str,
    name: str,
    own_paths: Sequence[str],
    scoring: Scoring,
    pairs: Sequence[Pair[Readable]],
    alone: int,
) -> list[WerrMatrix]:
    if not pairs:
        return []
    kinds = [kind for kind in scoring.kinds if kind != "characters"]
    speakers = tuple(dict.fromkeys(pair.speaker for pair in pairs))
    axes = varying([each.attempt for pair in pairs for each in pair.new])
    paths = list(dict.fromkeys((*own_paths, *(axis.path for axis in axes))))
    paths = [path for path in paths if path != SPEAKER]
    groups: dict[Settings, list[Pair[Readable]]] = {}
    for pair in pairs:
        groups.setdefault(_row_settings(pair, paths), []).append(pair)
    rows = [
        _row(settings, kind, own, scoring) for settings, own in groups.items() for kind in kinds
    ]
    if len(groups) > 1:
        rows += [_row((), kind, pairs, scoring) for kind in kinds]
    return [WerrMatrix(title, name, scoring.asked, speakers, tuple(rows), alone)]


def _row(
    settings: Settings, kind: Kind, pairs: Sequence[Pair[Readable]], scoring: Scoring
) -> WerrRow:
    sets: dict[str, tuple[list[Utterance], list[Utterance]]] = {}
    for pair in pairs:
        base, new = sets.setdefault(pair.speaker, ([], []))
        both = pair.heard(scoring, kind)
        base += both[0]
        new += both[1]
    cells = {speaker: werr([both]) for speaker, both in sets.items()}
    averages = {average: werr(sets.values(), average) for average in AVERAGES}
    return WerrRow(settings, kind, cells, averages, scoring.asked.average)


def _row_settings(pair: Pair[Readable], paths: Sequence[str]) -> Settings:
    number = pair.result.round
    several = (("round", str(number)),) if number > 1 else ()
    return (*settings_at(pair.new[0].attempt, paths), *several)


def in_words(matrix: WerrMatrix) -> str:
    """Return in a sentence how many settings are better than the baseline, and how many worse."""
    settings = [row for row in matrix.rows if row.settings] or matrix.rows
    whole = [row for row in settings if row.kind == "all" and row.together.percent is not None]
    known = [row.together for row in whole]
    if not known:
        return f"Nothing can be said against {matrix.baseline}."
    fewer = sum(own.percent is not None and own.percent > 0 for own in known)
    more = sum(own.percent is not None and own.percent < 0 for own in known)
    clear = sum(own.clear for own in known)
    if len(known) == 1:
        (own,) = known
        chance = "clear of chance" if own.clear else "not clear of chance"
        return (
            f"Against {matrix.baseline}, WERR is {signed(own.percent, 1)} %, {chance}: "
            f"{plural(own.base.errors, 'word error')} became {own.new.errors}."
            f"{_other_average(whole[0])}"
        )
    by = "" if len(matrix.speakers) == 1 else f" by {_IN_WORDS[matrix.asked.average]}"
    return (
        f"Against {matrix.baseline}, {fewer} of {len(known)} settings made fewer word errors"
        f"{by} and {more} made more; {clear} of these differences {'is' if clear == 1 else 'are'} "
        "clear of chance."
    )


def _other_average(row: WerrRow) -> str:
    """Return which average the figure of one setting is, and what the other one is, in words."""
    if len(row.cells) == 1:
        return ""
    other = next(average for average in AVERAGES if average != row.asked)
    figure = row.averages[other].percent
    words = "none" if figure is None else f"{signed(figure, 1)} %"
    return f" That is by {_IN_WORDS[row.asked]}; by {_IN_WORDS[other]} it is {words}."
