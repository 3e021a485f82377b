"""What it cost: timelines, phases, predicted and measured memory (pure, from samples as arrays)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.readings.declared import Chart, Column
from harness.readings.sampled import columns
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread
from harness.report.style import PHASES
from harness.report.sub_models import RankedSubModel
from harness.results.model import KillRecord, PhaseRecord, PressureRecord

Array = npt.NDArray[np.float64]

_BESIDE = (
    *("t_s", "trainer_anon_mb", "battery_plugged", "battery_charge_counter"),
    *("battery_voltage_mv", "battery_updates_stopped"),
)
"""Columns that figures are made from and that are not drawn themselves."""
DOTS = 24
"""Buckets of a sparse figure that is drawn as dots, so that they do not run together."""
GAP_PERIODS = 2.5
"""Samples further apart than this many periods are not joined by a line."""


@dataclass(frozen=True)
class Trace:
    """One line of a timeline, already thinned to what can be seen."""

    t_s: Array
    value: Array
    """NaN where the phone did not say, and where seconds are missing."""

    @property
    def known(self) -> bool:
        """Whether there is anything to draw."""
        return bool(np.isfinite(self.value).any())


@dataclass(frozen=True)
class Charted:
    """A column that is drawn."""

    column: Column
    chart: Chart
    trace: Trace


@dataclass(frozen=True)
class Timeline:
    """The strip of one attempt."""

    end_s: float
    charted: tuple[Charted, ...]
    to_trainer: Trace
    """MemAvailable plus the trainer's own RSS: what the pressure loop steers."""
    phases: tuple[PhaseRecord, ...]
    kills: tuple[KillRecord, ...]
    pressure: PressureRecord | None
    available_in_training: float | None
    """Most MemAvailable while the trainer was in a phase; the scale that matters."""

    def trace(self, name: str) -> Trace:
        """Return the line of a column; one without a value where it is not drawn."""
        empty = Trace(np.empty(0), np.empty(0))
        return next(
            (charted.trace for charted in self.charted if charted.column.name == name), empty
        )

    @property
    def rss(self) -> Trace:
        """The trainer's RSS."""
        return self.trace("trainer_rss_mb")


@dataclass(frozen=True)
class Use:
    """Figures of one attempt's samples."""

    battery_drop: float | None
    """Percentage points of charge."""
    temperature_max: float | None
    cpu_mean_core: float | None
    available_min: float | None
    plugged: bool | None


@dataclass(frozen=True)
class PhaseCost:
    """One phase over all attempts of a sub-model."""

    sub_model: RankedSubModel
    phase: str
    seconds: Spread | None
    rss_delta_mb: Spread | None
    rss_peak_mb: Spread | None
    cpu_core: Spread | None
    times: int


@dataclass(frozen=True)
class Need:
    """Predicted against measured need of one attempt (MiB above the trainer's base)."""

    attempt: Attempt
    predicted_mb: float
    measured_mb: float


def report_columns() -> tuple[str, ...]:
    """Return the columns of the samples that a report reads."""
    return (*_BESIDE, *(column.name for column in columns() if column.chart is not None))


def column(table: pa.Table, name: str) -> Array:
    """Return a column as floats, NaN for null."""
    values = table.column(name).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def thin(t_s: Array, value: Array, buckets: int, gap_s: float | None = None) -> Trace:
    """Keep the least and the greatest of each bucket of time, so that no peak is lost.

    Args:
        t_s: Times, ascending, [N].
        value: Values, NaN where unknown, [N].
        buckets: About as many as there are pixels.
        gap_s: Break the line where known values are further apart than this.

    Returns:
        At most two points a bucket, plus one NaN a gap.
    """
    known = np.isfinite(value) & np.isfinite(t_s)
    t_s, value = t_s[known], value[known]
    # From all times, not from the thinned ones, which are further apart
    breaks = t_s[1:][np.diff(t_s) > gap_s] if gap_s is not None and t_s.size > 1 else t_s[:0]
    if t_s.size > 2 * buckets:
        bucket = ((t_s - t_s[0]) / max(t_s[-1] - t_s[0], 1e-9) * (buckets - 1e-6)).astype(int)
        order = np.lexsort((value, bucket))
        edge = np.flatnonzero(np.diff(bucket[order])) + 1
        first, last = np.r_[0, edge], np.r_[edge, order.size] - 1
        keep = np.unique(np.r_[order[first], order[last]])
        t_s, value = t_s[keep], value[keep]
    at = np.searchsorted(t_s, breaks, side="left")
    at = at[(at > 0) & (at < t_s.size)]
    return Trace(np.insert(t_s, at, t_s[at]), np.insert(value, at, np.nan))


def timeline(attempt: Attempt, samples: pa.Table, buckets: int = 420) -> Timeline | None:
    """Return the strip of an attempt, None where nothing was sampled."""
    if samples.num_rows == 0:
        return None
    result = attempt.result
    t_s = column(samples, "t_s")
    gap = GAP_PERIODS * (result.sampling.period_s if result.sampling else 1.0)
    available = column(samples, "available_mb")
    own = np.nan_to_num(column(samples, "trainer_anon_mb"))
    ends = [float(t_s[-1]), *(phase.end_s for phase in result.phases)]
    return Timeline(
        end_s=max(ends),
        charted=_charted(samples, t_s, buckets, gap),
        to_trainer=thin(t_s, available + own, buckets, gap),
        phases=result.phases,
        kills=result.pressure.kills if result.pressure else (),
        pressure=result.pressure,
        available_in_training=_most(available[_inside(t_s, result.phases)]),
    )


def _charted(samples: pa.Table, t_s: Array, buckets: int, gap: float) -> tuple[Charted, ...]:
    by_name: dict[str, Charted] = {}
    for declared in columns():
        chart = declared.chart
        if chart is None or declared.name not in samples.schema.names:
            continue
        most = DOTS if chart.look == "dots" else buckets
        gap_s = None if chart.sparse else max(gap, chart.least_gap_s)
        trace = thin(t_s, column(samples, declared.name), most, gap_s)
        by_name[declared.name] = Charted(declared, chart, trace)
    return tuple(
        charted
        for charted in by_name.values()
        if not (other := by_name.get(charted.chart.instead_of)) or not other.trace.known
    )


def _inside(t_s: Array, phases: Sequence[PhaseRecord]) -> npt.NDArray[np.bool_]:
    inside = np.zeros(t_s.shape, dtype=bool)
    for phase in phases:
        inside |= (t_s >= phase.begin_s) & (t_s <= phase.end_s)
    return inside


def _most(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else None


def use_of(attempt: Attempt, samples: pa.Table) -> Use:
    """Return the figures that a table of attempts shows beside those of the result."""
    if samples.num_rows == 0:
        return Use(None, None, None, None, None)
    t_s = column(samples, "t_s")
    battery = _known(column(samples, "battery_percent"))
    hottest = np.r_[column(samples, "temperature_c"), column(samples, "battery_temperature_c")]
    inside = _inside(t_s, attempt.result.phases)
    cpu = _known(column(samples, "trainer_cpu_percent_one_core")[inside])
    available = _known(column(samples, "available_mb")[inside])
    plugged = [
        plugged_in
        for plugged_in in samples.column("battery_plugged").to_pylist()
        if plugged_in is not None
    ]
    return Use(
        battery_drop=float(battery[0] - battery[-1]) if battery.size else None,
        temperature_max=_most(hottest),
        cpu_mean_core=float(cpu.mean()) if cpu.size else None,
        available_min=float(available.min()) if available.size else None,
        plugged=any(plugged) if plugged else None,
    )


def _known(values: Array) -> Array:
    return values[np.isfinite(values)]


def phase_costs(attempts: Iterable[Attempt]) -> tuple[PhaseCost, ...]:
    """Return what each phase of each sub-model took, over attempts and epochs."""
    groups: dict[tuple[RankedSubModel, int], list[PhaseRecord]] = {}
    for attempt in attempts:
        for phase in attempt.result.phases:
            place = PHASES.index(phase.phase) if phase.phase in PHASES else len(PHASES)
            groups.setdefault((attempt.sub_model, place), []).append(phase)
    return tuple(
        PhaseCost(
            sub_model=key[0],
            phase=groups[key][0].phase,
            seconds=spread(phase.end_s - phase.begin_s for phase in groups[key]),
            rss_delta_mb=spread(phase.rss_delta_mb for phase in groups[key]),
            rss_peak_mb=spread(phase.rss_peak_mb for phase in groups[key]),
            cpu_core=spread(phase.cpu_mean_percent_one_core for phase in groups[key]),
            times=len(groups[key]),
        )
        for key in sorted(groups)
    )


def needs(attempts: Iterable[Attempt]) -> tuple[Need, ...]:
    """Return predicted and measured needs where both are known."""
    return tuple(
        Need(attempt, attempt.result.need_mb, attempt.result.measured_need_mb)
        for attempt in attempts
        if attempt.result.need_mb is not None and attempt.result.measured_need_mb is not None
    )
