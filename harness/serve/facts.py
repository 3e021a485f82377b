"""What is told of a run, for people and scripts (pure)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from harness.metrics.werr import Average

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
    left_at: list[tuple[str, int]] = []
    """(exit, utterances that left there) of the evaluation that goes on, or of the last one."""
    streamed: int = 0
    """Utterances of the last evaluation that were heard while they went on."""
    real_time_factor: float | None = None
    """Of these: time of all steps by time of the recordings."""
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
    rule: str | None = None
    """By which utterances left a network with exits."""
    mean_depth: float | None = None
    """Layers that were computed for an utterance."""
    real_time_factor: float | None = None
    """Of utterances that were heard while they went on."""
    last_word_ms: float | None = None
    """From the end of speech to the last change of the text, median."""
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
    """Jobs by state, or ``withdrawn``: late ones of a federated round."""
    total: int
    done: int
    """Jobs that are finished, failed, skipped or withdrawn."""
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


RoundPart = Literal["trains", "aggregates", "evaluates", "ended"]


class ClientState(Facts):
    """A client that is asked in a round."""

    client: str
    state: Literal["answered", "trains", "waits", "late", "lost"]
    """``waits``: for a phone. ``late``: the round has ended without it."""
    serial: str | None = None
    """The phone of its last attempt."""
    step: str | None = None
    seconds: float | None = None
    """How long it has been at it."""
    why: str = ""


class LateClient(Facts):
    """A client that still trains for a round that has ended."""

    client: str
    round: int


class RoundState(Facts):
    """The round that a federated training is in."""

    federation: str
    settings: tuple[tuple[str, str], ...]
    """What the matrix sets for it, in words."""
    number: int
    """0: before the first."""
    of: int | None
    """How many there are to be; None where a Flower app decides."""
    part: RoundPart
    """What goes on: clients train, the host makes a model of the answers, clients evaluate it, or
    neither."""
    evaluations: tuple[int, int]
    """How many evaluations of its model have ended, and how many there are."""
    clients: tuple[ClientState, ...]
    """Those asked: first who trains, last who has answered."""
    late: tuple[LateClient, ...]
    """Of earlier rounds."""
    rates: tuple[tuple[int, float], ...] = ()
    """(round, mean WER of its model over the clients, %)."""

    @property
    def answered(self) -> int:
        """How many have answered."""
        return sum(client.state == "answered" for client in self.clients)


class WerrLine(Facts):
    """What the jobs of one setting come to against the baseline."""

    settings: tuple[tuple[str, str], ...]
    """Empty of all of them together."""
    of: str
    """Of which words."""
    speaker: str | None
    """None: all speakers."""
    average: Average | None
    """Of all speakers: of their errors together, or the mean of their own."""
    werr_percent: float | None
    """Below zero where more errors are made; None where there is none."""
    low_percent: float | None
    high_percent: float | None
    base_wer_percent: float | None
    new_wer_percent: float | None
    base_errors: int
    new_errors: int
    words: int


class WerrSoFar(Facts):
    """WERR of the jobs that have ended."""

    baseline: str
    """In words."""
    lines: tuple[WerrLine, ...]
    alone: int
    """Trainings that no baseline is like yet."""


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
    round: RoundState | None = None
    """Of a federated training; the last one when the run is over."""
    werr: WerrSoFar | None = None
    """Where the scenario's report names a baseline, and jobs of it and of another have ended."""
