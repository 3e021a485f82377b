"""The event log (version 2): append-only JSON lines that the trainer writes and the host follows.

Every event carries ``seq`` (0, 1, 2, ... without gaps) and ``t_boot_ms`` (milliseconds since boot,
CLOCK_BOOTTIME, the clock of /proc/uptime field 1). A line counts once its newline is there.
A log of version 1 is one of version 2 whose ``started`` says no version.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from harness.contract.base import Message
from harness.contract.exits import Answer
from harness.contract.job import Keep, SelectionPolicy, Sha256
from harness.contract.network import Name, SubModelName
from harness.contract.share import Form, WordCounts
from harness.contract.wire import Written

Phase = Literal["preprocess", "load", "train", "evaluate", "save"]
StopReason = Literal[
    "epochs_done",
    "steps_done",
    "patience",
    "battery",
    "memory",
    "command",
    "no_sub_model_fits",
    "evaluated",
]


class _Event(Message):
    seq: int = Field(ge=0)
    t_boot_ms: int = Field(ge=0)


class Started(_Event):
    """First event: who trains."""

    type: Literal["started"] = "started"
    trainer: str
    trainer_version: str
    runtime: str
    pid: int
    threads: int
    contract_version: Literal[1, 2] = 1
    """Of the log; what does not say it is of version 1."""
    ignored: tuple[Literal["ordered"], ...] = ()
    """Fields of the job that its runtime cannot follow, and that change no result."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        started: dict[str, Any] = whole(self)
        if not self.ignored:
            started.pop("ignored", None)
        return started


class Selected(_Event):
    """The sub-model decision and what it was made from."""

    type: Literal["selected"] = "selected"
    sub_model: SubModelName | None
    policy: SelectionPolicy
    forced: bool
    available_mb: float
    need_mb: dict[SubModelName, float]
    rss_mb: float | None = None
    """The trainer's own resident memory at that moment: what its peak is measured from."""


class PhaseChange(_Event):
    """A phase begins or ends; phases do not nest."""

    type: Literal["phase"] = "phase"
    phase: Phase
    state: Literal["begin", "end"]
    epoch: int | None = None
    rss_mb: float | None = None
    """The trainer's resident memory at that moment: samples may not see a short phase."""
    peak_rss_mb: float | None = None
    """The most that it was until then."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        change: dict[str, Any] = whole(self)
        if self.peak_rss_mb is None:
            change.pop("peak_rss_mb", None)
        return change


class Step(_Event):
    """One optimiser step."""

    type: Literal["step"] = "step"
    epoch: int
    step: int
    loss: float
    seconds: float
    utterances: int
    changed_codes: float | None = Field(default=None, ge=0, le=1)
    """Share of the codes of weights that it changed, where these stay in few bits while training
    (``resident``). 0: it stood still."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        step: dict[str, Any] = whole(self)
        if self.changed_codes is None:
            step.pop("changed_codes", None)
        return step


class Hypothesis(Message):
    """What the model heard in one validation utterance."""

    id: str
    text: str


class UtteranceExits(_Event):
    """Where an utterance left a network with exits (jobs with ``exits``).

    They come before the event of their epoch; of equal epoch and id the last counts.
    """

    type: Literal["utterance"] = "utterance"
    epoch: int
    id: str
    exit: Name
    """Where it left."""
    seconds: float = Field(ge=0)
    """Of all segments up to there, as they really ran, for the whole batch."""
    rule_seconds: float = Field(ge=0)
    """Of decoding and of the rule, for this utterance."""
    rows: int = Field(ge=1)
    """Utterances in its batch."""
    answers: tuple[Answer, ...] = Field(min_length=1)
    """From the shallowest exit up: those that were computed for it."""


class UtteranceStreamed(_Event):
    """What it cost to hear an utterance while it went on (jobs with ``streaming``).

    They come before the event of their epoch; of equal epoch and id the last counts.
    """

    type: Literal["streamed"] = "streamed"
    epoch: int
    id: str
    audio_s: float = Field(gt=0)
    """How long it is."""
    compute_s: float = Field(ge=0)
    """Of all steps together, as they ran."""
    steps: int = Field(ge=0)
    """Segments heard; 0 of a recording shorter than a window."""
    last_word_s: float | None
    """From the end of speech to the last change of the text; None: nothing was heard."""


class Epoch(_Event):
    """An epoch was evaluated; epoch 0 is the evaluation before any training."""

    type: Literal["epoch"] = "epoch"
    epoch: int
    wer_percent: float
    train_loss: float | None
    train_seconds: float
    evaluate_seconds: float
    battery_percent: float | None
    available_mb: float | None
    best: bool
    hypotheses: tuple[Hypothesis, ...]
    """Empty where the job shares none (``share.hypotheses``)."""
    errors: WordCounts | None = None
    """Counted by the trainer, in place of hypotheses."""


class OtherSpeakerHeard(_Event):
    """Somebody who does not train here was listened to; of equal speaker and epoch the last counts.

    Epoch 0 is before any training, any other one that whose checkpoint counts.
    """

    type: Literal["other_speaker"] = "other_speaker"
    epoch: int
    speaker: str
    wer_percent: float
    evaluate_seconds: float
    hypotheses: tuple[Hypothesis, ...]


class Checkpoint(_Event):
    """A checkpoint was written and is complete."""

    type: Literal["checkpoint"] = "checkpoint"
    epoch: int
    path: str
    sha256: Sha256
    size_bytes: int
    best: bool
    written: Written | None = None
    """What writing it smaller did to it (``stored``)."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        checkpoint: dict[str, Any] = whole(self)
        if self.written is None:
            checkpoint.pop("written", None)
        return checkpoint


class ReadBack(_Event):
    """The checkpoint that is kept was read back and heard (jobs with ``stored``)."""

    type: Literal["read_back"] = "read_back"
    epoch: int
    wer_percent: float
    evaluate_seconds: float
    hypotheses: tuple[Hypothesis, ...]


class Update(_Event):
    """What the job shares was written and is complete (jobs with ``share``)."""

    type: Literal["update"] = "update"
    epoch: int
    """The epoch that it is of: the one that is kept."""
    path: str
    sha256: Sha256
    size_bytes: int
    form: Form
    """As they were in the end, or minus what the job began with."""
    layers: tuple[SubModelName, ...]
    """The layers that were trained: what the file holds."""
    utterances: int
    """Training utterances that the job has."""
    steps: int
    """Optimiser steps that were taken."""
    written: Written | None = None
    """What writing it smaller did to it (``share.wire``)."""

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        update: dict[str, Any] = whole(self)
        if self.written is None:
            update.pop("written", None)
        return update


class Stopped(_Event):
    """Training ended by rule, not by failure."""

    type: Literal["stopped"] = "stopped"
    reason: StopReason
    epoch: int


class TrainerError(_Event):
    """Training failed; the last event of a failed log."""

    type: Literal["error"] = "error"
    kind: str
    message: str
    detail: str = ""


class Finished(_Event):
    """Last event of a complete log."""

    type: Literal["finished"] = "finished"
    epochs: int
    keep: Keep = "best"
    """By which rule a checkpoint was kept."""
    kept_epoch: int
    """0: no checkpoint is kept, since no epoch was trained, or none got better (``best``)."""
    kept_checkpoint: str | None
    wer_before_percent: float
    wer_after_percent: float
    peak_rss_mb: float | None = None


Event = Annotated[
    Union[  # noqa: UP007 - pydantic needs a runtime union under Python 3.10 too
        Started,
        Selected,
        PhaseChange,
        Step,
        UtteranceExits,
        UtteranceStreamed,
        Epoch,
        OtherSpeakerHeard,
        Checkpoint,
        ReadBack,
        Update,
        Stopped,
        TrainerError,
        Finished,
    ],
    Field(discriminator="type"),
]

EVENT_TYPES = (
    Started,
    Selected,
    PhaseChange,
    Step,
    UtteranceExits,
    UtteranceStreamed,
    Epoch,
    OtherSpeakerHeard,
    Checkpoint,
    ReadBack,
    Update,
    Stopped,
    TrainerError,
    Finished,
)

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Event)


class EventError(ValueError):
    """A line of the event log is not a valid event."""


def parse_event(line: str | bytes) -> Any:
    """Parse one line of the event log.

    Args:
        line: One JSON object, with or without its newline.

    Returns:
        One of ``EVENT_TYPES``.

    Raises:
        EventError: The line is not JSON, or not an event of the contract.
    """
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "line"
        shown = line[:200] if isinstance(line, str) else line[:200].decode("utf-8", "replace")
        raise EventError(f"{where}: {first['msg']} in event {shown!r}") from error
