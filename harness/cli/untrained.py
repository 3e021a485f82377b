"""Results that finished but trained no epoch, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.results.model import AttemptResult

_REASONS: Final[Mapping[str, str]] = {
    "memory": "the available RAM was at or below trainer.stop.available_below_mb before the first "
    "epoch",
    "battery": "the battery was at or below trainer.stop.battery_below_percent before the first "
    "epoch",
    "no_sub_model_fits": "no sub-model fits in the RAM that was available",
    "command": "it was told to stop before the first epoch ended",
}
"""Stop reason of a trainer -> what it means where no epoch ran."""


def untrained_reason(result: AttemptResult) -> str | None:
    """Return why a result that finished trained no epoch; None if one ran or none was planned."""
    if result.status != "finished" or not result.epochs_planned:
        return None
    if any(epoch.epoch > 0 for epoch in result.epochs):
        return None
    return _REASONS.get(result.stop_reason or "", f"it ended by {result.stop_reason or 'nothing'}")


def untrained_lines(results: Iterable[AttemptResult]) -> list[str]:
    """Return one line for each reason: how many jobs trained no epoch, and why."""
    jobs: dict[str, list[str]] = {}
    for result in results:
        reason = untrained_reason(result)
        if reason is not None:
            jobs.setdefault(reason, []).append(result.job_id)
    return [
        f"{len(job_ids)} job{'' if len(job_ids) == 1 else 's'} trained no epoch: {reason}"
        for reason, job_ids in jobs.items()
    ]
