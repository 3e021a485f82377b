"""The job file (version 2): one attempt as the on-device trainer is told of it.

All paths are paths on the phone. Sizes named ``_mb`` are MiB (1,048,576 bytes). Sub-models are
named as the flatbuffer names them (`harness.contract.network`).

Version 1, which can still be read, knew DeepSpeech2 alone: its names are those of
`harness.contract.mobileasr`, it could leave out ``selection.candidates``, and it kept the best
checkpoint.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from harness.contract import mobileasr
from harness.contract.base import Message
from harness.contract.exits import ExitRule
from harness.contract.network import Network, NetworkError, SubModelName
from harness.contract.share import Share
from harness.contract.streaming import Streaming, check_streaming
from harness.contract.wire import Wire

CONTRACT_VERSION: Final = 2

StopPolicy = Literal["best_so_far", "as_printed"]
SelectionPolicy = Literal["first_fit"]
Keep = Literal["best", "last"]
"""Which checkpoint counts: of the epoch with the lowest WER, or of the last one."""
Mode = Literal["train", "evaluate"]
"""``evaluate``: the validation utterances are heard once, as epoch 0; no sub-model is chosen."""
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


class OtherSpeaker(Message):
    """Somebody who is only listened to: what the training of another does to their speech."""

    speaker: str
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
    candidates: tuple[SubModelName, ...] = Field(min_length=1)
    need_mb: dict[SubModelName, float]
    forced: SubModelName | None = None

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

    version: Literal[1, 2] = CONTRACT_VERSION
    job_id: str
    attempt: int = Field(1, ge=1)
    round: int = Field(1, ge=1)
    keep: Keep = "best"
    mode: Mode = "train"
    model: ModelFiles
    data: Data
    training: Training
    selection: Selection
    stop: Stop
    outputs: Outputs
    also_evaluate: tuple[OtherSpeaker, ...] = ()
    """Other speakers, listened to before the first epoch and, with the weights that are kept, after
    the last one."""
    share: Share | None = None
    """What goes back to the host in federated training; None: the kept checkpoint."""
    exits: ExitRule | None = None
    """How a network with exits answers; None: at its last exit, and nothing is told of others."""
    streaming: Streaming | None = None
    """Validation utterances are heard while they go on; None: each of them whole."""
    stored: Wire | None = None
    """How checkpoints are written; None: as float32. The one that is kept is then read back and
    heard once more."""
    ordered: bool = False
    """Run the flatbuffer's operators in its own order (`delegate clustering` off): the peak falls
    with some networks, and the time grows with others. The model's manifest says which."""

    @model_validator(mode="after")
    def _share_has_what_it_differs_from(self) -> Job:
        share = self.share
        differs = share is not None and (share.form == "delta" or share.proximal > 0)
        if differs and self.model.checkpoint is None:
            raise ValueError("share: differences and a proximal term need model.checkpoint")
        if share is not None and not share.hypotheses and self.also_evaluate:
            raise ValueError("also_evaluate tells what was heard; share.hypotheses forbids that")
        return self

    @model_serializer(mode="wrap")
    def _says_no_more_than_needed(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what came into version 2 later where nothing is asked of it."""
        job: dict[str, Any] = whole(self)
        for field in ("also_evaluate", "share", "exits", "streaming", "stored", "ordered"):
            if not getattr(self, field):
                job.pop(field, None)
        if self.mode == "train":
            job.pop("mode", None)
        return job

    @model_validator(mode="after")
    def _answers_one_way(self) -> Job:
        if self.streaming is not None and self.exits is not None:
            raise ValueError("streaming and exits are two ways to answer: a job has one")
        return self

    @model_validator(mode="after")
    def _evaluation_trains_nothing(self) -> Job:
        if self.mode == "evaluate" and self.share is not None:
            raise ValueError("mode: evaluate trains nothing that could be shared")
        if self.mode == "evaluate" and self.stored is not None:
            raise ValueError("mode: evaluate trains nothing that could be stored")
        if self.share is not None and self.stored is not None:
            raise ValueError("stored: what is shared is made of the checkpoint as it was trained")
        return self

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, data: Any) -> Any:
        """Give a job of version 1 the candidates that it did not have to say."""
        if not isinstance(data, dict) or data.get("version") != 1:
            return data
        selection = data.get("selection")
        if not isinstance(selection, dict) or "candidates" in selection:
            return data
        return {**data, "selection": {"candidates": list(mobileasr.CANDIDATES), **selection}}

    def check_network(self, network: Network) -> None:
        """Check that the network has what this job speaks of.

        Raises:
            NetworkError: It lacks a sub-model or an exit, or the job is of version 1 and it is
                another family.
        """
        if self.version == 1 and network.family != mobileasr.FAMILY:
            raise NetworkError(
                f"a job of version 1 is for {mobileasr.FAMILY}, the model is {network.family}"
            )
        if self.exits is not None:
            self.exits.check(network)
        if self.streaming is not None:
            check_streaming(network)
        if self.mode == "evaluate":
            return
        forced = self.selection.forced
        for name in (*self.selection.candidates, *([forced] if forced else ())):
            network.sub_model(name)
