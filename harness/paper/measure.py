"""Figures of the paper's columns out of runs, each with the attempts behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from harness.devices.profile import load_profiles
from harness.report.axes import is_number, value_at
from harness.report.cost import column
from harness.report.load import Attempt, RunData
from harness.report.numbers import Spread, spread


@dataclass(frozen=True)
class Source:
    """One run, and where the page finds its report."""

    data: RunData
    report: str
    """Relative to the page, for links to attempts."""
    rates: Mapping[float, float]
    """Learning rate of the paper -> the one used instead."""

    @property
    def finished(self) -> tuple[Attempt, ...]:
        """The jobs that finished."""
        return tuple(attempt for attempt in self.data.final if attempt.finished)

    def link(self, attempt: Attempt) -> str:
        """Return where an attempt's timelines are."""
        return f"{self.report}#{attempt.key}"


@dataclass(frozen=True)
class Figure:
    """A measured figure: median and range over jobs, and where each can be looked at."""

    found: Spread | None = None
    links: tuple[str, ...] = ()
    text: str = ""
    """Instead of a number."""


def matching(source: Source, where: Mapping[str, Any]) -> list[Attempt]:
    """Return the finished jobs that a row of a table is about."""
    return [
        attempt
        for attempt in source.finished
        if all(_same(value_at(attempt, path), source, wanted) for path, wanted in where.items())
    ]


def _same(value: Any, source: Source, wanted: Any) -> bool:
    if is_number(wanted) and is_number(value):
        return math.isclose(value, source.rates.get(float(wanted), float(wanted)), rel_tol=1e-9)
    return bool(value == wanted)


def figure(source: Source, attempts: Sequence[Attempt], key: str) -> Figure:
    """Return one column's figure over the jobs of a row.

    Raises:
        KeyError: There is no such column.
    """
    read = READERS[key]
    known = [
        (attempt, value) for attempt in attempts if (value := read(source, attempt)) is not None
    ]
    return Figure(
        spread(value for _, value in known), tuple(source.link(attempt) for attempt, _ in known)
    )


def _cpu_max(_source: Source, attempt: Attempt) -> float | None:
    values = column(
        attempt.read_samples(["trainer_cpu_percent_phone"]), "trainer_cpu_percent_phone"
    )
    known = values[values == values]
    return float(known.max()) if known.size else None


def _cpu_seconds(_source: Source, attempt: Attempt) -> float | None:
    """Return the trainer's time on processors in an epoch's training, all cores together."""
    spans = [span for span in attempt.result.phases if span.phase == "train"]
    known = [
        (span.end_s - span.begin_s) * span.cpu_mean_percent_one_core / 100
        for span in spans
        if span.cpu_mean_percent_one_core is not None
    ]
    return mean(known) if known and len(known) == len(spans) else None


def _model_mb(source: Source, attempt: Attempt) -> float | None:
    files = source.data.record.models.get(attempt.result.model_name, {}).get("files", {})
    size = files.get(str(attempt.result.batch_size), {}).get("bytes")
    return size / 1e6 if is_number(size) else None


def _train_minutes(_source: Source, attempt: Attempt) -> float | None:
    trained = [epoch.train_seconds for epoch in attempt.result.epochs if epoch.epoch > 0]
    return sum(trained) / 60 if trained else None


def _rss_gb(_source: Source, attempt: Attempt) -> float | None:
    peak = attempt.result.peak_rss_mb
    return None if peak is None else peak / 1024


READERS: dict[str, Callable[[Source, Attempt], float | None]] = {
    "wer_after": lambda _, attempt: attempt.result.wer_after_percent,
    "kept_epoch": lambda _, attempt: attempt.result.kept_epoch,
    "epochs": lambda _, attempt: attempt.result.kept_epoch,
    "wer_before": lambda _, attempt: attempt.result.wer_before_percent,
    "minutes": lambda _, attempt: attempt.result.minutes_per_epoch,
    "train_minutes": _train_minutes,
    "rss_gb": _rss_gb,
    "model_mb": _model_mb,
    "cpu_max": _cpu_max,
    "cpu_seconds": _cpu_seconds,
}
"""Column of the published tables -> how a job's result says it."""


def phase_figure(source: Source, phase: str, key: str) -> Figure:
    """Return what a phase of the trainer added or used, over a run's jobs (Figure 2).

    The phases of epoch 0 and 1 count, as in the paper: it trains one epoch.
    """
    values: list[tuple[Attempt, float]] = []
    for attempt in source.finished:
        spans = [span for span in attempt.result.phases if span.phase == phase]
        if not spans:
            continue
        if key == "delta_mb":
            known = [span.rss_delta_mb for span in spans if span.rss_delta_mb is not None]
            value = max(known, default=None, key=abs)
        else:
            known_cpu = _cpu(attempt, [(span.begin_s, span.end_s) for span in spans])
            of_all = max if key == "cpu_max" else mean
            value = of_all(known_cpu) if known_cpu else None
        if value is not None:
            values.append((attempt, value))
    return Figure(
        spread(value for _, value in values), tuple(source.link(attempt) for attempt, _ in values)
    )


def _cpu(attempt: Attempt, spans: Iterable[tuple[float, float]]) -> list[float]:
    """Return the trainer's CPU by sample in some spans, as a share of all of the phone's cores."""
    profile = load_profiles().get(attempt.result.phone.profile)
    if profile is None:
        return []
    # Of one core, then shared out: /proc/stat of a phone may not change with every short sample
    samples = attempt.read_samples(["t_s", "trainer_cpu_percent_one_core"])
    t_s, cpu = column(samples, "t_s"), column(samples, "trainer_cpu_percent_one_core")
    inside = t_s < -1
    for begin, end in spans:
        inside |= (t_s >= begin) & (t_s <= end)
    known = cpu[inside & (cpu == cpu)]
    cores = sum(cluster.count for cluster in profile.cores)
    return [float(share) / cores for share in known] if cores else []
