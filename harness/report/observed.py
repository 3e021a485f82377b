"""A run folder as observations that can be compared with those of other runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.report.energy import energy_of
from harness.report.load import Attempt, RunData
from harness.report.serials import phone_name
from harness.report.wer import heard_after
from harness.results.compare import Observation
from harness.results.files import StoreError
from harness.results.run import PlanRecord
from harness.scenario.identity import sha256_of

SERIAL = "phones.serial"


def job_name(job: PlanRecord) -> str:
    """Return a job's id without the mark of its phone, see `JobSpec.on_phone`."""
    serial = job.axes.get(SERIAL)
    return job.job_id.removesuffix(f"-{sha256_of(serial)[:6]}") if serial else job.job_id


def plan_key(plan: Iterable[PlanRecord]) -> str:
    """Return what makes two plans the same: their jobs' hashes, on whatever phones."""
    names = sorted({job_name(job) for job in plan})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def observed(runs: Sequence[RunData]) -> list[tuple[Observation, ...]]:
    """Return what every job with a result came to, a run an entry.

    Where the runs' plans are not the same, jobs are alike if the matrix says the same of them.
    """
    same = len({plan_key(data.record.plan) for data in runs}) == 1
    return [_observations(data, by_hash=same) for data in runs]


def _observations(data: RunData, *, by_hash: bool) -> tuple[Observation, ...]:
    plan = {job.job_id: job for job in data.record.plan}
    failed: dict[str, int] = {}
    for attempt in data.attempts:
        job_id = attempt.result.job_id
        failed[job_id] = failed.get(job_id, 0) + (not attempt.finished)
    observations = [
        _observation(
            data, plan[attempt.result.job_id], attempt, failed[attempt.result.job_id], by_hash
        )
        for attempt in data.final
        if attempt.result.job_id in plan
    ]
    counted = {
        observation.phone
        for observation in observations
        if "battery_mah_per_epoch" in observation.values
    }
    return tuple(
        _without_percent(observation) if observation.phone in counted else observation
        for observation in observations
    )


def _observation(
    data: RunData, job: PlanRecord, attempt: Attempt, failed: int, by_hash: bool
) -> Observation:
    result = attempt.result
    axes = {path: value for path, value in job.axes.items() if path != SERIAL}
    asked = {"axes": axes, "round": job.round}
    if job.client is not None:  # no personalisation is like what a client does in a round
        asked["client"] = [job.client.role, job.client.round]
    settings = json.dumps(asked, sort_keys=True, default=str)
    values: dict[str, float | None] = {"failed_attempts": float(failed)}
    if attempt.finished:
        values |= {
            "wer_percent": result.wer_after_percent,
            "minutes_per_epoch": result.minutes_per_epoch,
            "peak_rss_mb": result.peak_rss_mb,
            "battery_mah_per_epoch": _charge(attempt),
            "battery_percent_per_epoch": _percent(attempt),
            **attempt.read_figures(),
        }
        if result.exits is not None:
            values |= {
                "layers_computed": result.exits.mean_depth,
                "seconds_per_utterance": result.exits.utterance_seconds,
            }
        if result.streaming is not None:
            values |= {
                "real_time_factor": result.streaming.real_time_factor,
                "last_word_ms": result.streaming.last_word_ms_median,
            }
    return Observation(
        run_id=data.record.run_id,
        phone=phone_name(result.phone),
        job=job_name(job) if by_hash else f"{settings} repeat {job.repeat}",
        settings=settings,
        values={name: value for name, value in values.items() if value is not None},
        utterances=heard_after(attempt) if attempt.finished else (),
    )


def _charge(attempt: Attempt) -> float | None:
    try:
        return energy_of(attempt.result, attempt.read_samples(None)).mah
    except StoreError:
        return None  # the report names the damaged file


def _percent(attempt: Attempt) -> float | None:
    """Return the battery's fall an epoch, by Android's whole percents."""
    levels = [
        (epoch.epoch, epoch.battery_percent)
        for epoch in attempt.result.epochs
        if epoch.battery_percent is not None
    ]
    if len(levels) < 2:
        return None
    (first, high), (last, low) = levels[0], levels[-1]
    return (high - low) / (last - first)


def _without_percent(observation: Observation) -> Observation:
    values = {k: v for k, v in observation.values.items() if k != "battery_percent_per_epoch"}
    return replace(observation, values=values)
