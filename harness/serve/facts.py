"""What is told of a run, for people and scripts (pure)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Stage = Literal["running", "finished", "interrupted", "silent"]


class Facts(BaseModel):
    """Base of what is told."""

    model_config = ConfigDict(frozen=True)


class PhoneState(Facts):
    """One phone of a run."""

    serial: str
    profile: str
    model: str
    origin: str
    state: Literal["working", "waiting", "free", "silent"]
    """``waiting``: held, without a job. ``free``: given back, or not taken yet. ``silent``: held by
    a host that says nothing any more."""
    job_id: str | None = None
    attempt: int | None = None
    step: str | None = None
    battery_percent: float | None = None
    battery_temperature_c: float | None = None
    available_mb: float | None = None
    owner: str | None = None
    heartbeat_utc: str | None = None


class Running(Facts):
    """One running attempt with its curves so far."""

    job_id: str
    attempt: int
    serial: str
    step: str
    axes: dict[str, Any]
    speaker: str
    started_utc: str
    seconds: float
    sub_model: str | None
    phase: str | None
    epoch: int | None
    epochs: int
    steps: int
    loss: list[tuple[int, float]]
    """(number of the step, mean of some steps)."""
    wer_percent: list[tuple[int, float]]
    """(epoch, percent) as the trainer counts it; the host scores when the attempt ends."""
    samples: dict[str, list[Any]]
    """The last minutes by column of ``samples.parquet``."""


class Ended(Facts):
    """The heart of an attempt's result."""

    key: str
    """Its mark in the run's report."""
    job_id: str
    attempt: int
    last: bool
    """No later attempt of its job has ended."""
    serial: str
    profile: str
    speaker: str
    model: str
    sub_model: str | None
    wer_before_percent: float | None
    wer_after_percent: float | None
    peak_rss_mb: float | None
    minutes_per_epoch: float | None
    stop_reason: str | None
    failure: str | None
    message: str | None
    seconds: float


class RunBrief(Facts):
    """A run in one line."""

    run_id: str
    name: str
    """The scenario's."""
    title: str
    stage: Stage
    started_utc: str
    finished_utc: str | None
    origins: tuple[str, ...]
    counts: dict[str, int]
    """Jobs by state."""
    total: int
    done: int
    """Jobs that are finished, failed or skipped."""
    seconds: float | None
    """From its beginning to its end, or to now."""
    left_s: float | None
    """About how long it goes on: by the plan, and by how long its jobs have taken so far."""
    wer_percent: tuple[float, float] | None
    """The lowest and the highest WER after training of its finished jobs."""
    verdict: str
    """A nightly run's word; else what became of the jobs; empty while the run goes on."""
    good: bool | None
    """Whether the verdict is a good one; None where nobody can say."""


class RunState(RunBrief):
    """A run."""

    sub_models: dict[str, tuple[str, ...]]
    """Model -> its sub-models, from the largest need to the smallest."""
    job_names: dict[str, str]
    """Job -> what the matrix sets for it, in words."""
    phones: tuple[PhoneState, ...]
    running: tuple[Running, ...]
    queue: tuple[str, ...]
    """The next jobs, in the order of the plan."""
    queued: int
    ended: tuple[Ended, ...]
    """Latest first."""
