"""Samples + the trainer's phases -> the table of ``samples.parquet`` and its fidelity (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa

from harness.contract.events import PhaseChange
from harness.results.model import SamplingRecord
from harness.results.samples import sample_schema
from harness.sampling.samples import Sample, Series

KB = 1024
STOP_SLACK_MS = 300
"""A tick due so shortly before the end need not have happened: the stop may have been quicker."""


class PhaseInterval(NamedTuple):
    """One phase of the trainer by the phone's boot clock; ``end_ms`` None = not ended.

    ``rss_change_mb`` is what the trainer itself saw its memory change by, None = it does not say.
    """

    phase: str
    epoch: int | None
    begin_ms: int
    end_ms: int | None
    rss_change_mb: float | None = None


def phase_intervals(events: Iterable[Any]) -> list[PhaseInterval]:
    """Return the phases of an event log (events of other types are passed over)."""
    intervals: list[PhaseInterval] = []
    begun: PhaseChange | None = None
    for event in events:
        if not isinstance(event, PhaseChange):
            continue
        if event.state == "begin":
            if begun is not None:
                intervals.append(PhaseInterval(begun.phase, begun.epoch, begun.t_boot_ms, None))
            begun = event
        elif begun is not None:
            intervals.append(
                PhaseInterval(
                    begun.phase, begun.epoch, begun.t_boot_ms, event.t_boot_ms,
                    _change(begun.rss_mb, event.rss_mb),
                )
            )  # fmt: skip
            begun = None
    if begun is not None:
        intervals.append(PhaseInterval(begun.phase, begun.epoch, begun.t_boot_ms, None))
    return sorted(intervals, key=lambda interval: interval.begin_ms)


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _phase_at(
    intervals: Sequence[PhaseInterval], begins: Sequence[int], t_ms: int
) -> tuple[str, int | None]:
    index = bisect_right(begins, t_ms) - 1
    if index >= 0:
        interval = intervals[index]
        if interval.end_ms is None or t_ms < interval.end_ms:
            return interval.phase, interval.epoch
    return "idle", None


def _row(sample: Sample, origin_ms: int, period_ms: int, first_ms: int) -> dict[str, Any]:
    return {
        "seq": round((sample.due_ms - origin_ms) / period_ms),
        "t_s": (sample.start_ms - first_ms) / 1000,
        "t_boot_ms": sample.start_ms,
        "due_boot_ms": sample.due_ms,
        "cost_ms": float(sample.end_ms - sample.start_ms),
        **sample.values,
    }


def _nearest(starts: Sequence[int], t_ms: int) -> int:
    """Index of the sample that starts nearest to a time."""
    index = bisect_right(starts, t_ms)
    if index == 0:
        return 0
    if index == len(starts):
        return index - 1
    return index - 1 if t_ms - starts[index - 1] <= starts[index] - t_ms else index


def _place_late(series: Series, rows: list[dict[str, Any]]) -> None:
    """Put what was measured beside the loop into the rows of the seconds it belongs to."""
    index = {(id(s.header), s.number): i for i, s in enumerate(series.samples)}
    starts = [sample.start_ms for sample in series.samples]
    for late in series.late:
        at = index.get((id(late.header), late.number)) if late.number is not None else None
        if late.number is None:
            at = _nearest(starts, late.t_ms)
        if at is not None:
            rows[at].update(late.values)


@dataclass(frozen=True)
class Collected:
    """What the samples of one attempt come to."""

    table: pa.Table
    """One row a sample with the columns of ``sample_schema()``, in order of time."""
    record: SamplingRecord | None
    """Fidelity; None when there is not one sample."""
    peak_rss_mb: float | None
    """Highest RSS of the trainer that the kernel saw (VmHWM), or that the samples saw."""


def collect(
    series: Series, intervals: Sequence[PhaseInterval] = (), until_ms: int | None = None
) -> Collected:
    """Turn what the sampler said into a table and its fidelity.

    CPU columns of a row speak of the time since the row before; the first row has none.

    Args:
        series: What the sampler said.
        intervals: The trainer's phases by the same clock.
        until_ms: Uptime until which samples were wanted; a sampler that died before is then seen
            as missing seconds. None = until its last sample.
    """
    if not series.samples:
        return Collected(sample_schema().empty_table(), None, None)
    return Collected(
        table=_table(series, sorted(intervals, key=lambda interval: interval.begin_ms)),
        record=_record(series.samples, until_ms),
        peak_rss_mb=_peak_rss_mb(series.samples),
    )


def _table(series: Series, intervals: Sequence[PhaseInterval]) -> pa.Table:
    begins = [interval.begin_ms for interval in intervals]
    first = series.samples[0]
    rows: list[dict[str, Any]] = []
    for sample in series.samples:
        row = _row(sample, first.header.origin_ms, first.header.period_ms, first.start_ms)
        row["phase"], row["epoch"] = _phase_at(intervals, begins, sample.start_ms)
        rows.append(row)
    _place_late(series, rows)
    schema = sample_schema()
    return pa.table({name: [row.get(name) for row in rows] for name in schema.names}, schema)


def _percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def _sampler_cpu(samples: Sequence[Sample]) -> float | None:
    """CPU of the sampler itself in percent of one core, over all its starts."""
    used = seconds = 0.0
    for before, after in pairwise(samples):
        if before.sampler_ticks is None or after.sampler_ticks is None:
            continue
        ticks = after.sampler_ticks - before.sampler_ticks
        if ticks >= 0:  # a new start counts from 0 again
            used += ticks / after.header.clock_ticks
            seconds += (after.start_ms - before.start_ms) / 1000
    return 100 * used / seconds if seconds > 0 else None


def _record(samples: Sequence[Sample], until_ms: int | None) -> SamplingRecord:
    header = samples[0].header
    last_due = samples[-1].due_ms
    if until_ms is not None and until_ms - STOP_SLACK_MS > last_due:
        last_due += (until_ms - STOP_SLACK_MS - last_due) // header.period_ms * header.period_ms
    expected = round((last_due - samples[0].due_ms) / header.period_ms) + 1
    seen = len({sample.due_ms for sample in samples})
    lateness = [float(sample.start_ms - sample.due_ms) for sample in samples]
    return SamplingRecord(
        period_s=header.period_ms / 1000,
        expected=max(expected, seen),
        missing=max(0, expected - seen),
        start_jitter_p99_ms=_percentile(lateness, 99),
        cost_mean_ms=sum(s.end_ms - s.start_ms for s in samples) / len(samples),
        sampler_cpu_percent_one_core=_sampler_cpu(samples),
    )


def _peak_rss_mb(samples: Sequence[Sample]) -> float | None:
    highest = max(
        (
            max(sample.process.rss_kb or 0, sample.process.peak_rss_kb or 0)
            for sample in samples
            if sample.process is not None
        ),
        default=0,
    )
    return highest / KB if highest > 0 else None
