"""The result of one attempt, as written to ``attempts/<job>/<n>/result.json`` (version 1).

Sizes named ``_mb`` are MiB; times named ``_s`` are seconds since the attempt's first sample
unless a field says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.contract.exits import ExitRule
from harness.readings.bounds import MEMORY_MB, PERCENT, Bounds

Origin = Literal["device", "virtual", "trace"]
Status = Literal["finished", "failed"]
FailureKind = Literal[
    "DeviceLost",
    "GateTimedOut",
    "ProvisionFailed",
    "PressureUnreachable",
    "TrainerCrashed",
    "TrainerKilled",
    "TrainerEnded",
    "TrainerStalled",
    "ScoreMismatch",
    "Interrupted",
    "InternalError",
]


class Record(BaseModel):
    """Base of all result records; fields of a newer harness are kept (`harness.results.format`)."""

    model_config = ConfigDict(extra="allow", frozen=True)


def _measured(bounds: Bounds) -> BeforeValidator:
    """Read a value that no phone can have as absent: older files hold what a phone said."""

    def within(value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number and not bounds.hold(value) else value

    return BeforeValidator(within)


class CapabilitiesRecord(Record):
    """What adb's shell may do on the phone, tried once (``harness.devices.capabilities``)."""

    can: dict[str, bool] = Field(default_factory=dict)
    said: dict[str, str] = Field(default_factory=dict)
    """Values that it told meanwhile: page size, clock ticks, versions."""


class PhoneRecord(Record):
    """The phone as it named itself."""

    serial: str
    """``ro.serialno``."""
    adb_serial: str
    """What ``adb devices`` calls it."""
    profile: str
    model: str
    android: str
    sdk: int
    abi: str
    ram_total_mb: float
    origin: Origin
    isolation: str | None = None
    """Virtual phones: ``userns`` or ``none``."""
    host_wide: tuple[str, ...] = ()
    """Virtual phones: figures that are the host's, not the phone's (for example ``loadavg``)."""
    properties: dict[str, str] = Field(default_factory=dict)
    capabilities: CapabilitiesRecord | None = None
    """None: not tried."""


class EpochRecord(Record):
    """One evaluated epoch; epoch 0 is before training. WER is the host's own score (jiwer)."""

    epoch: int
    wer_percent: float
    substitutions: int
    deletions: int
    insertions: int
    reference_words: int
    train_loss: float | None
    train_seconds: float
    evaluate_seconds: float
    battery_percent: Annotated[float | None, _measured(PERCENT)]
    available_mb: Annotated[float | None, _measured(MEMORY_MB)]
    best: bool
    steps: int | None = None
    """Taken until its end; None: an older version did not count them."""


class OtherSpeakerRecord(Record):
    """What was heard of somebody who did not train; epoch 0 is before training.

    WER is the host's own score (jiwer).
    """

    epoch: int
    """0, or the epoch whose checkpoint was kept; one that was kept is not always heard: not where
    the host asked the trainer to stop."""
    speaker: str
    accent: str
    wer_percent: float
    substitutions: int
    deletions: int
    insertions: int
    reference_words: int
    utterances: int
    evaluate_seconds: float


class ExitRecord(Record):
    """One exit of a network, over the utterances of an evaluation."""

    exit: str
    depth: int
    """Layers that are computed for it, heads not counted."""
    taken: int
    """Utterances that left here."""
    share_percent: float
    """Those, of all."""
    utterances: int
    """Utterances for which it was computed: its WER and seconds are of these."""
    wer_percent: float | None = None
    """The host's own score (jiwer); None where it was computed for none, or what was heard stayed
    on the phone."""
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_words: int = 0
    seconds: float | None = None
    """Median of what all segments up to here took for a batch."""
    rule_seconds: float | None = None
    """Median of decoding and rule, of the utterances that left here."""


class StreamingRecord(Record):
    """What hearing the utterances of the kept epoch cost, while they went on."""

    epoch: int
    beam: int
    utterances: int
    audio_s: float
    real_time_factor: float
    """Time of all steps by time of the recordings."""
    step_ms: float
    """Mean of a segment: encoder, predictor, joint network and search."""
    last_word_ms_median: float | None = None
    """From the end of speech to the last change of the text; None: nothing was heard."""
    last_word_ms_p90: float | None = None


class ExitsRecord(Record):
    """At which exits the utterances of the kept epoch left a network; of all of them together."""

    epoch: int
    rule: dict[str, Any]
    """As the job file has it, without what is as ever."""
    utterances: int
    rows: int
    """Utterances in a batch, at most: segments' seconds are a batch's."""
    wer_percent: float | None = None
    """Of what was heard where they left (jiwer)."""
    mean_depth: float
    """Layers, heads not counted."""
    mean_segments: float
    mean_seconds: float
    """Of all segments up to where they left."""
    mean_rule_seconds: float
    """Of decoding and rule."""
    by_exit: tuple[ExitRecord, ...]
    """From the shallowest."""

    @property
    def utterance_seconds(self) -> float:
        """Mean of segments and rule for one utterance, where batches are full."""
        return self.mean_seconds / max(self.rows, 1) + self.mean_rule_seconds

    @property
    def label(self) -> str:
        """The rule in a few words; one of a later harness as it is written."""
        try:
            return ExitRule.model_validate(self.rule).label
        except ValidationError:
            return " ".join(str(value) for value in self.rule.values())


class PhaseRecord(Record):
    """One phase of the trainer on the attempt's time axis."""

    phase: str
    epoch: int | None
    begin_s: float
    end_s: float
    rss_delta_mb: float | None
    """RSS at its end minus at its begin: the trainer's own word, else by the nearest samples."""
    rss_peak_mb: float | None
    cpu_mean_percent_one_core: float | None


class SelectionRecord(Record):
    """The trainer's decision."""

    sub_model: str | None
    forced: bool
    available_mb: float
    need_mb: dict[str, float]


class KillRecord(Record):
    """A process that the phone killed."""

    t_s: float
    process: str
    pid: int | None
    role: Literal["trainer", "ballast", "bystander"]
    reason: str
    evidence: str


class PressureRecord(Record):
    """What was asked of the RAM pressure, and what it reached."""

    goal_mb: float
    goal: str
    """As the scenario wrote it, for example ``fits: S5``."""
    tolerance_mb: float
    reached_mb: float
    """Median over the hold of MemAvailable plus the trainer's own memory."""
    settle_s: float
    within_tolerance_percent: float
    """Share of the hold's seconds within the tolerance."""
    ballast_peak_mb: float
    means: tuple[str, ...]
    apps: tuple[str, ...] = ()
    """Packages that were launched for it, of those that the scenario names."""
    regulated: bool = True
    """Held by ballast in a closed loop. False: by apps alone, which come in steps; the goal was
    only watched."""
    kills: tuple[KillRecord, ...] = ()
    steps: tuple[tuple[float, float], ...] = ()
    """(t_s, ballast_mb) each time the ballast changed."""


class TransferRecord(Record):
    """What provisioning really moved."""

    pushed_files: int
    pushed_bytes: int
    skipped_files: int
    """Already on the phone with the same SHA-256."""
    skipped_bytes: int
    seconds: float


class SamplingRecord(Record):
    """Fidelity of the one-second samples."""

    period_s: float
    expected: int
    missing: int
    start_jitter_p99_ms: float
    cost_mean_ms: float
    sampler_cpu_percent_one_core: float | None


class GateRecord(Record):
    """A gate before the attempt."""

    name: str
    outcome: Literal["passed", "waited", "skipped", "failed"]
    """skipped: the phone does not tell, or the scenario said to go on as it is."""
    waited_s: float
    limit_s: float | None = None
    """How long it was waited for at most; 0 where waiting was not asked for or can't help."""
    detail: str


class FailureRecord(Record):
    """Why an attempt failed."""

    kind: FailureKind
    message: str
    evidence: tuple[str, ...] = ()


class ClientRecord(Record):
    """Whose part in which round of a federated training a job is."""

    federation: str
    """Which, of those of a run."""
    client: str
    role: Literal["start", "train", "evaluate"]
    round: int
    """0: before the first."""


class WrittenRecord(Record):
    """What writing an update in fewer bits did to it, as the trainer tells it."""

    coding: str
    """``S1E3M7/fn``, ``int8/column``."""
    variables: int
    """How many variables are written small."""
    changed: float | None = None
    """Share of their codes that training changed against what was sent; 0: it stood still."""
    error: float
    """Root of the mean square of what they lost, by that of the variables."""
    float32_bytes: int
    """Of all variables of the update, as float32."""


class StoredRecord(Record):
    """The checkpoint that is kept, as it lay on the phone's flash (``trainer.stored``)."""

    epoch: int
    size_bytes: int
    """Of the file: ``checkpoint.npz`` of the attempt is a copy."""
    coding: str
    """``S1E3M7/fn``, ``int8/column``."""
    variables: int
    """How many variables are written small."""
    error: float
    """Root of the mean square of what they lost, by that of the variables."""
    float32_bytes: int
    """Of all variables, as float32."""
    wer_percent: float | None = None
    """Of the validation utterances, heard with what was read back (jiwer); ``wer_after_percent`` is
    of the weights as they were trained. None: the host asked for an end before."""


class UpdateRecord(Record):
    """What a client sent back (``update.npz``)."""

    form: Literal["weights", "delta"]
    """As they were in the end, or minus what the job began with."""
    layers: tuple[str, ...]
    """Those that it trained."""
    utterances: int
    """Training utterances that it has."""
    steps: int
    sha256: str
    size_bytes: int
    pull_seconds: float
    written: WrittenRecord | None = None
    """None: it came as float32."""


class AttemptResult(Record):
    """``result.json``."""

    version: Literal[1] = 1
    run_id: str
    job_id: str
    attempt: int
    status: Status
    failure: FailureRecord | None = None
    axes: dict[str, Any] = Field(default_factory=dict)
    """Dotted scenario path -> value, for the fields that the matrix varies."""
    repeat: int = 1
    round: int = 1
    started_utc: str
    seconds: float
    phone: PhoneRecord
    model_name: str
    model_sha256: str
    start_sha256: str | None = None
    """Of the weights that training began with; None: the model file's own."""
    speaker: str
    accent: str
    batch_size: int
    learning_rate: float
    epochs_planned: int
    stop_policy: str
    selection: SelectionRecord | None = None
    epochs: tuple[EpochRecord, ...] = ()
    others: tuple[OtherSpeakerRecord, ...] = ()
    """Other speakers, where the scenario says ``also_evaluate``."""
    exits: ExitsRecord | None = None
    """Where utterances left, where the scenario says ``trainer.exits``."""
    streaming: StreamingRecord | None = None
    """What hearing them while they went on cost, where it says ``trainer.streaming``."""
    stored: StoredRecord | None = None
    """Where the scenario says ``trainer.stored``."""
    kept_epoch: int | None = None
    wer_before_percent: float | None = None
    wer_after_percent: float | None = None
    stop_reason: str | None = None
    minutes_per_epoch: float | None = None
    peak_rss_mb: float | None = None
    need_mb: float | None = None
    """Predicted need of the chosen sub-model."""
    measured_need_mb: float | None = None
    """Peak RSS minus RSS at the moment of selection."""
    load_peak_mb: float | None = None
    """The same of loading: of the peak until the model was loaded, before any step."""
    train_peak_mb: float | None = None
    """The same of training: of the peak until the first epoch was trained."""
    changed_codes: float | None = None
    """Share of the codes of weights that a step changed, on average, where these stay in few bits
    while training; 0: it stood still."""
    phases: tuple[PhaseRecord, ...] = ()
    pressure: PressureRecord | None = None
    transfer: TransferRecord | None = None
    sampling: SamplingRecord | None = None
    gates: tuple[GateRecord, ...] = ()
    checkpoint_sha256: str | None = None
    client: ClientRecord | None = None
    """Of federated training."""
    update: UpdateRecord | None = None
    """What came back in federated training, in place of a checkpoint."""
    trainer: str | None = None
    runtime: str | None = None
    notes: tuple[str, ...] = ()
    """Things a reader must know, in words: a modelled figure, a restored setting, ..."""
