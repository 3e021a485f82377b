"""Several runs side by side: what was asked differently, and what came out (pure).

No judgement is made here; `harness compare` has the statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.report.axes import (
    PROFILE,
    RUN,
    SPEAKER,
    SUB_MODEL,
    keys_at,
    settings_at,
    varying,
)
from harness.report.load import Attempt, RunData
from harness.report.numbers import Spread, minutes_digits, spread
from harness.report.observed import job_name
from harness.report.serials import phone_name
from harness.report.trust import flat
from harness.report.wer import interval_after, interval_text

METRICS = (
    ("wer_after_percent", "WER after, %", 1),
    ("minutes_per_epoch", "Minutes an epoch", None),
    ("peak_rss_mb", "Peak RSS, MB", 0),
)
"""Field of a result, in words, decimals; None = as many as the figures need."""
UNSAID = "–"


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in all runs."""

    name: str
    values: tuple[str, ...]
    """One a run."""


@dataclass(frozen=True)
class Group:
    """Differences of one kind."""

    title: str
    rows: tuple[Difference, ...]


@dataclass(frozen=True)
class Beside:
    """Jobs with the same settings in all runs."""

    settings: tuple[tuple[str, str], ...]
    found: tuple[tuple[Spread | None, ...], ...]
    """A run's figures, in the order of `METRICS`."""
    jobs: tuple[tuple[Attempt, ...], ...]
    """A run's last attempts."""
    intervals: tuple[str, ...]
    """How sure a run's WER is; empty where that is not known."""

    def digits(self, metric: int) -> int:
        """Return the decimals that all runs' figures and their difference are shown with."""
        fixed = METRICS[metric][2]
        if fixed is not None:
            return fixed
        known = [figure.median for figures in self.found if (figure := figures[metric])]
        return max(map(minutes_digits, known), default=0)

    def difference(self, metric: int) -> float | None:
        """Return second run minus first, where there are two and both have the figure."""
        if len(self.found) != 2:
            return None
        first, second = (figures[metric] for figures in self.found)
        return second.median - first.median if first and second else None


def differences(runs: Sequence[RunData]) -> tuple[Group, ...]:
    """Return what is not the same in all runs; groups without a difference are left out."""
    records = [run.record for run in runs]
    groups = [
        ("Settings", [flat(record.scenario) for record in records]),
        ("Plan", [_plan(run, runs) for run in runs]),
        ("Phones", [_phones(run) for run in runs]),
        ("Models and data", [(*flat(record.models), *flat(record.data)) for record in records]),
        ("Software and host", [_software(run) for run in runs]),
    ]
    compared = (Group(title, tuple(_unlike(tables))) for title, tables in groups)
    return tuple(group for group in compared if group.rows)


def _unlike(tables: Sequence[Iterable[tuple[str, str]]]) -> Iterable[Difference]:
    columns = [dict(table) for table in tables]
    for name in dict.fromkeys(name for column in columns for name in column):
        values = tuple(column.get(name, UNSAID) for column in columns)
        if len(set(values)) > 1:
            yield Difference(name, values)


def _plan(run: RunData, runs: Sequence[RunData]) -> tuple[tuple[str, str], ...]:
    def identities(data: RunData) -> set[str]:
        return {job_name(job) for job in data.record.plan}

    common = set.intersection(*map(identities, runs))
    return (
        ("jobs", str(len(run.record.plan))),
        ("jobs that not all runs have", str(len(identities(run) - common))),
        ("jobs that finished", str(sum(attempt.finished for attempt in run.final))),
        ("attempts that failed", str(sum(not attempt.finished for attempt in run.attempts))),
    )


def _phones(run: RunData) -> tuple[tuple[str, str], ...]:
    every = (*run.record.phones, *(attempt.result.phone for attempt in run.attempts))
    serials: dict[str, set[str]] = {}
    for phone in every:
        serials.setdefault(phone.profile, set()).add(f"{phone_name(phone)} ({phone.origin})")
    return tuple((profile, ", ".join(sorted(own))) for profile, own in sorted(serials.items()))


def _software(run: RunData) -> tuple[tuple[str, str], ...]:
    host = run.record.host
    machine: Mapping[str, object] = {
        "host": host.platform, "CPUs": host.cpus, "memory, MB": f"{host.memory_mb:.0f}",
        "python": host.python,
    }  # fmt: skip
    return (*flat(run.record.versions), *flat(machine))


def paths_within(runs: Sequence[RunData]) -> list[str]:
    """Return the settings by which jobs of several runs are alike: those that vary in a run."""
    every = [attempt for run in runs for attempt in run.personal]
    within = {axis.path for run in runs for axis in varying(run.personal)} | {SPEAKER, PROFILE}
    paths = [axis.path for axis in varying(every) if axis.path != RUN and axis.path in within]
    if SUB_MODEL not in paths and every:
        paths.append(SUB_MODEL)
    return paths


def beside(runs: Sequence[RunData]) -> tuple[Beside, ...]:
    """Return the runs' results by the settings that vary in a run, run beside run.

    What a run has throughout (its learning rate, the one phone that it ran on) is what it differs
    from the others in, and must not keep its jobs from standing beside theirs. Speakers and phones'
    models do: their figures say nothing of each other. Neither do those of a federated training's
    jobs, which are parts of rounds: `harness.report.approaches` sets these beside each other.
    """
    every = [attempt for run in runs for attempt in run.personal]
    paths = paths_within(runs)
    groups: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in every:
        groups.setdefault(keys_at(attempt, paths), []).append(attempt)
    return tuple(_beside(members, paths, runs) for members in groups.values())


def _beside(members: Sequence[Attempt], paths: Sequence[str], runs: Sequence[RunData]) -> Beside:
    jobs = tuple(
        tuple(attempt for attempt in members if attempt.result.run_id == run.record.run_id)
        for run in runs
    )
    return Beside(
        settings=settings_at(members[0], paths),
        found=tuple(
            tuple(
                spread(getattr(attempt.result, metric) for attempt in own if attempt.finished)
                for metric, _, _ in METRICS
            )
            for own in jobs
        ),
        jobs=jobs,
        intervals=tuple(
            interval_text(interval_after(attempt for attempt in own if attempt.finished))
            for own in jobs
        ),
    )
