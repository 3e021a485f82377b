"""The job file (version 1): one attempt as the on-device trainer is told of it.

All paths are paths on the phone. Sizes named ``_mb`` are MiB (1,048,576 bytes).
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, model_validator

from harness.contract.base import Message

CONTRACT_VERSION = 1

SubModel = Literal["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"]
"""A trained span, from the named part to FC2 (MobileASR, Table 5): S1 = all, S8 = FC1-FC2."""

SUB_MODELS: tuple[SubModel, ...] = get_args(SubModel)

StopPolicy = Literal["best_so_far", "as_printed"]
SelectionPolicy = Literal["first_fit"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PhonePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00\n\r]*$", max_length=1024)]


class Utterance(Message):
    """One recording on the phone: 16-bit PCM WAV, mono, at the model's sample rate."""

    id: str
    path: PhonePath
    text: str


class ModelFiles(Message):
    """The trainable flatbuffer and the checkpoint to start from."""

    name: str
    path: PhonePath
    sha256: Sha256
    checkpoint: PhonePath | None = None
    """Weights (.npz) loaded by ``set_weights`` before training; None = the flatbuffer's own."""
    checkpoint_sha256: Sha256 | None = None


class Data(Message):
    """Utterances of one round."""

    speaker: str
    train: tuple[Utterance, ...] = Field(min_length=1)
    validation: tuple[Utterance, ...] = Field(min_length=1)


class Training(Message):
    """Optimisation settings (defaults of the paper: Adam, batch 5, learning rate 1e-4)."""

    optimizer: Literal["adam"] = "adam"
    batch_size: int = Field(5, ge=1, le=64)
    learning_rate: float = Field(1e-4, gt=0, lt=1)
    epochs: int = Field(15, ge=0, le=10_000)
    seed: int = Field(0, ge=0)
    threads: int = Field(2, ge=1, le=64)


class Selection(Message):
    """How the trainer chooses its sub-model (MobileASR, Algorithm 1).

    ``first_fit``: the first candidate, in order, with ``available_mb / need_mb >= 1``, where
    ``available_mb`` is read from the phone right before and ``need_mb`` is what training adds.
    """

    policy: SelectionPolicy = "first_fit"
    candidates: tuple[SubModel, ...] = Field(("S1", "S5", "S8"), min_length=1)
    need_mb: dict[SubModel, float]
    forced: SubModel | None = None

    @model_validator(mode="after")
    def _needs_cover_candidates(self) -> Selection:
        missing = [s for s in self.candidates if s not in self.need_mb]
        if missing:
            raise ValueError(f"need_mb lacks {', '.join(missing)}")
        return self


class Stop(Message):
    """When training ends before its last epoch (MobileASR, Algorithm 2).

    Checked before each epoch: battery at or under ``battery_below_percent``, available RAM at or
    under ``available_below_mb``; after each epoch: ``patience`` by ``policy``.
    """

    policy: StopPolicy = "best_so_far"
    patience: int = Field(2, ge=1)
    battery_below_percent: float = Field(25.0, ge=0, le=100)
    available_below_mb: float = Field(300.0, ge=0)


class Outputs(Message):
    """Where the host finds what the trainer writes."""

    folder: PhonePath
    events: PhonePath
    checkpoints: PhonePath
    stop_file: PhonePath
    """The trainer stops at the next step once this file exists (``--es command stop`` makes it)."""


class Job(Message):
    """``job.json``."""

    version: Literal[1] = 1
    job_id: str
    attempt: int = Field(1, ge=1)
    round: int = Field(1, ge=1)
    model: ModelFiles
    data: Data
    training: Training
    selection: Selection
    stop: Stop
    outputs: Outputs
