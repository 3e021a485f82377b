"""From a planned job to the trainer's ``job.json`` and the files it names (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.adb.transfer import LocalFile
from harness.contract.job import (
    Data,
    Job,
    ModelFiles,
    OtherSpeaker,
    Outputs,
    Selection,
    Stop,
    Training,
    Utterance,
)
from harness.contract.network import Exit
from harness.contract.streaming import Streaming
from harness.results.names import safe_name
from harness.scenario.client_jobs import share_of
from harness.scenario.schema import AUTO, Trainer
from harness.scenario.spec import JobSpec

Recording = tuple[str, str, LocalFile]
"""(id, text, file) of an utterance."""


@dataclass(frozen=True)
class OtherSpeech:
    """What is heard of somebody who does not train.

    Args:
        speaker: Name of the speaker.
        accent: The speaker's accent.
        validation: (id, text, file) of the utterances.
    """

    speaker: str
    accent: str
    validation: tuple[Recording, ...]


@dataclass(frozen=True)
class Material:
    """What one job trains with, on the host.

    Args:
        model_name: For people.
        model: The flatbuffer for the job's batch size.
        checkpoint: Weights to start from; None for the flatbuffer's own.
        sub_models: What the phone chooses from, the largest first.
        need_mb: Sub-model -> what training it adds (MiB), for the job's batch size; the largest
            sub-model first.
        trainer_base_mb: What the trainer holds when it selects (MiB).
        speaker: Name of the speaker.
        accent: The speaker's accent.
        train: (id, text, file) of the round's training utterances.
        validation: Likewise.
        others: Who is only listened to.
        ordered: Run the flatbuffer's operators in its own order.
        exits: Of the network, from the shallowest; where the job has a rule for them.
    """

    model_name: str
    model: LocalFile
    checkpoint: LocalFile | None
    sub_models: tuple[str, ...]
    need_mb: dict[str, float]
    trainer_base_mb: float
    speaker: str
    accent: str
    train: tuple[Recording, ...]
    validation: tuple[Recording, ...]
    others: tuple[OtherSpeech, ...] = ()
    ordered: bool = False
    exits: tuple[Exit, ...] = ()

    def files(self) -> list[LocalFile]:
        """Return every file that the phone needs, the model first; equal content once."""
        files = [self.model]
        if self.checkpoint is not None:
            files.append(self.checkpoint)
        files += self.speech()
        return list({(file.sha256, file.suffix): file for file in files}.values())

    def speech(self) -> list[LocalFile]:
        """Return the recordings: what must not stay on a phone longer than needed."""
        others = [recording for other in self.others for recording in other.validation]
        return [file for _, _, file in (*self.train, *self.validation, *others)]


@dataclass(frozen=True)
class PhoneLayout:
    """Where things lie on a phone (one attempt).

    Args:
        work_dir: The harness's folder.
        job_id: The job.
        attempt: 1, 2, ...
        trainer_dir: Where the trainer may write, if not there.
    """

    work_dir: str
    job_id: str
    attempt: int
    trainer_dir: str = ""

    @property
    def folder(self) -> str:
        """The attempt's own folder: what the host writes."""
        return f"{self.work_dir}/{self._name}"

    @property
    def outputs(self) -> str:
        """The attempt's folder of what the trainer writes; the same one where it may."""
        return f"{self.trainer_dir or self.work_dir}/{self._name}"

    @property
    def _name(self) -> str:
        return f"attempts/{safe_name(self.job_id)}-{self.attempt}"

    @property
    def job(self) -> str:
        """``job.json``."""
        return f"{self.folder}/job.json"

    @property
    def events(self) -> str:
        """The event log."""
        return f"{self.outputs}/events.jsonl"

    @property
    def checkpoints(self) -> str:
        """Folder of the checkpoints."""
        return f"{self.outputs}/checkpoints"

    @property
    def update(self) -> str:
        """What a job of federated training shares."""
        return f"{self.checkpoints}/update.npz"

    @property
    def sampler(self) -> str:
        """The sampler's folder."""
        return f"{self.folder}/sampler"

    @property
    def stop_file(self) -> str:
        """The trainer stops once this exists."""
        return f"{self.outputs}/stop"

    def cas(self, file: LocalFile) -> str:
        """Return where a file lies by its content."""
        return file.on_phone(self.work_dir)

    def cas_name(self, name: str) -> str:
        """Return where a file of a content-addressed name lies."""
        return f"{self.work_dir}/cas/{name}"


def job_file(spec: JobSpec, material: Material, layout: PhoneLayout) -> Job:
    """Return the job as the trainer is told of it."""
    trainer = spec.content.trainer
    checkpoint = material.checkpoint

    def utterances(items: Sequence[Recording]) -> tuple[Utterance, ...]:
        return tuple(
            Utterance(id=name, path=layout.cas(file), text=text) for name, text, file in items
        )

    return Job(
        job_id=spec.job_id,
        attempt=layout.attempt,
        round=spec.round,
        keep=trainer.keep,
        mode=trainer.mode,
        model=ModelFiles(
            name=material.model_name,
            path=layout.cas(material.model),
            sha256=material.model.sha256,
            checkpoint=None if checkpoint is None else layout.cas(checkpoint),
            checkpoint_sha256=None if checkpoint is None else checkpoint.sha256,
        ),
        data=Data(
            speaker=material.speaker,
            train=utterances(material.train),
            validation=utterances(material.validation),
        ),
        training=Training(
            optimizer=trainer.optimizer,
            batch_size=trainer.batch_size,
            learning_rate=trainer.settled_learning_rate,
            epochs=trainer.epochs,
            seed=spec.training_seed,
            threads=trainer.threads,
        ),
        selection=Selection(
            candidates=material.sub_models,
            need_mb=material.need_mb,
            forced=_forced(trainer),
        ),
        stop=Stop(
            policy=trainer.stop.policy,
            patience=trainer.stop.patience,
            battery_below_percent=trainer.stop.battery_below_percent,
            available_below_mb=trainer.stop.settled_available_below_mb,
        ),
        outputs=Outputs(
            folder=layout.outputs,
            events=layout.events,
            checkpoints=layout.checkpoints,
            stop_file=layout.stop_file,
        ),
        also_evaluate=tuple(
            OtherSpeaker(speaker=other.speaker, validation=utterances(other.validation))
            for other in material.others
        ),
        share=share_of(spec),
        exits=None if trainer.exits is None else trainer.exits.as_rule(),
        streaming=None if trainer.streaming is None else Streaming(beam=trainer.streaming.beam),
        stored=None if trainer.stored is None else trainer.stored.as_wire(),
        ordered=material.ordered,
    )


def _forced(trainer: Trainer) -> str | None:
    """Return the sub-model that must be trained; None: the phone chooses, or nothing is trained."""
    return None if trainer.mode == "evaluate" or trainer.sub_model == AUTO else trainer.sub_model


def as_kept(job: Job) -> Job:
    """Return a job as the run folder keeps it: without what was said, if it does not tell that."""
    if job.share is None or job.share.hypotheses:
        return job
    data = job.data.model_copy(
        update={
            split: tuple(u.model_copy(update={"text": ""}) for u in getattr(job.data, split))
            for split in ("train", "validation")
        }
    )
    return job.model_copy(update={"data": data})
