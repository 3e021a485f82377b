"""What an epoch took from the battery, by the phone's own counter of charge (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from harness.readings.battery import charge_mah
from harness.report.cost import column
from harness.report.load import Attempt
from harness.report.numbers import Spread, spread
from harness.report.sub_models import RankedSubModel
from harness.results.model import AttemptResult


@dataclass(frozen=True)
class Energy:
    """What one attempt's epochs took on average, or why nothing can be said."""

    mah: float | None = None
    mwh: float | None = None
    """None where the phone tells no voltage."""
    epochs: int = 0
    unsaid: str = ""


@dataclass(frozen=True)
class EnergyRow:
    """All attempts of one sub-model and batch size."""

    sub_model: RankedSubModel
    batch_size: int
    mah: Spread | None
    mwh: Spread | None
    unsaid: tuple[tuple[str, int], ...]
    """Why some attempts say nothing, with how many."""


def energy_of(result: AttemptResult, samples: pa.Table) -> Energy:
    """Return the charge that an epoch of training took, from first to last epoch.

    The counter falls by what the whole phone takes; it moves in steps of a phone's own size, which
    the mean over all epochs evens out.

    Args:
        result: Of the attempt, for its phases.
        samples: Its seconds.
    """
    spans = [phase for phase in result.phases if phase.epoch is not None and phase.epoch >= 1]
    epochs = len({span.epoch for span in spans if span.phase == "train"})
    if not epochs or samples.num_rows == 0:
        return Energy(unsaid="no epoch was trained and sampled")
    t_s = column(samples, "t_s")
    inside = (t_s >= spans[0].begin_s) & (t_s <= spans[-1].end_s)
    if _any(samples, "battery_updates_stopped", inside):
        return Energy(unsaid="the phone was told to believe another battery")
    if _any(samples, "battery_plugged", inside):
        return Energy(unsaid="the phone was on power")
    raw = column(samples, "battery_charge_counter")
    known = inside & np.isfinite(raw)
    if not np.isfinite(raw).any():
        return Energy(unsaid="the phone has no counter of charge")
    if known.sum() < 2:
        return Energy(unsaid="too few seconds of training were sampled")
    charge = np.array([charge_mah(int(reading)) or np.nan for reading in raw[known]])
    taken = float(charge[0] - charge[-1])
    if not np.isfinite(taken) or taken <= 0:
        return Energy(unsaid="the counter did not fall")
    volt = column(samples, "battery_voltage_mv")[known] / 1000
    between = (volt[1:] + volt[:-1]) / 2
    work = float(-(np.diff(charge) * between).sum())
    return Energy(taken / epochs, work / epochs if np.isfinite(work) else None, epochs)


def _any(samples: pa.Table, name: str, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    return bool((column(samples, name)[inside] > 0).any())


def energy_rows(measured: Sequence[tuple[Attempt, Energy]]) -> tuple[EnergyRow, ...]:
    """Return what an epoch took by sub-model and batch size; empty where no phone could say."""
    if not any(energy.mah is not None for _, energy in measured):
        return ()
    groups: dict[tuple[RankedSubModel, int], list[tuple[Attempt, Energy]]] = {}
    for attempt, energy in measured:
        key = (attempt.sub_model, attempt.result.batch_size)
        groups.setdefault(key, []).append((attempt, energy))
    rows = []
    for key, members in sorted(groups.items()):
        unsaid: dict[str, int] = {}
        for _, energy in members:
            if energy.unsaid:
                unsaid[energy.unsaid] = unsaid.get(energy.unsaid, 0) + 1
        rows.append(
            EnergyRow(
                *key,
                spread(energy.mah for _, energy in members),
                spread(energy.mwh for _, energy in members),
                tuple(unsaid.items()),
            )
        )
    return tuple(rows)
