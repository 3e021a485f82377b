"""What jobs train with: model files by manifest, recordings by corpus; all checked before a phone.

Everything wrong here is bad input: nothing has been started yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.adb.transfer import LocalFile
from harness.errors import InputError
from harness.lab.jobfile import Material
from harness.paths import cache_root, data_root
from harness.pressure import Goal, resolve_goal
from harness.scenario.schema import Data, JobContent, ModelChoice
from harness.scenario.spec import JobSpec
from harness.speech import (
    SAMPLE_RATE,
    SPEAKERS,
    Corpus,
    CorpusSpec,
    Utterance,
    build_corpus,
    load_manifest,
)
from harness.speech.importing import MANIFEST
from harness.trainer.batches import check_recording
from harness.trainer.flatfile import check_checkpoint, check_sub_models, read_info
from harness.trainer.info import ModelInfo
from harness.trainer.manifest import ModelManifest, check_files
from harness.trainer.manifest import load_manifest as load_model
from harness.trainer.needs import Needs, needs_of

CORPORA = ("accents",)
"""Synthetic corpora that a scenario may name."""

Progress = Callable[[str, int, int], None]
"""(what is being made, done, total)."""


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


@dataclass(frozen=True)
class LoadedModel:
    """A model folder with its manifest."""

    folder: Path
    manifest: ModelManifest

    def file(self, batch_size: int) -> LocalFile:
        """Return the flatbuffer for a batch size.

        Raises:
            InputError: The model has none.
        """
        entry = self.manifest.files.get(batch_size)
        if entry is None:
            known = ", ".join(str(size) for size in sorted(self.manifest.files))
            raise InputError(
                f"the model {self.manifest.name} has no file for batch size {batch_size}",
                where="trainer.batch_size",
                hint=f"It has batch sizes {known}.",
            )
        return LocalFile(self.folder / entry.file, entry.sha256, ".tflite", entry.bytes)

    def info(self, batch_size: int) -> ModelInfo:
        """Return the sizes that the flatbuffer for a batch size was made with.

        Raises:
            InputError: It is no model that the trainer can use, or not what its manifest says.
        """
        path = self.file(batch_size).path
        info = read_info(path)
        if (info.batch_size, info.sample_rate) != (batch_size, SAMPLE_RATE):
            raise InputError(
                f"it was made for batch size {info.batch_size} and {info.sample_rate} Hz, not for "
                f"{batch_size} and {SAMPLE_RATE} Hz",
                where=str(path),
                hint="Make the model folder anew with 'harness model build'.",
            )
        return info

    def checkpoint(self) -> LocalFile | None:
        """Return the weights that come with the model, if they are a file of their own."""
        entry = self.manifest.checkpoint
        if entry is None:
            return None
        return LocalFile(self.folder / entry.file, entry.sha256, ".npz", entry.bytes)


class Materials:
    """Models and recordings of one scenario, each read once.

    Args:
        folder: Relative paths of the scenario start here.
        cache: Where synthetic speech is kept; None for the user's cache.
        progress: Told while speech is synthesised.
    """

    def __init__(
        self, folder: Path, *, cache: Path | None = None, progress: Progress = _silent
    ) -> None:
        self._folder = folder
        self._cache = cache or cache_root() / "corpora"
        self._progress = progress
        self._models: dict[Path, LoadedModel] = {}
        self._corpora: dict[object, Corpus] = {}
        self._lock = threading.RLock()

    # -- models -----------------------------------------------------------------------------------

    def model(self, choice: ModelChoice) -> LoadedModel:
        """Return a model, its files checked against their hashes.

        Raises:
            InputError: There is none of that name, or its files are not those of its manifest.
        """
        folder = self._model_folder(choice)
        with self._lock:
            if folder not in self._models:
                manifest = load_model(folder)
                check_files(manifest, folder)
                self._models[folder] = LoadedModel(folder, manifest)
            return self._models[folder]

    def _model_folder(self, choice: ModelChoice) -> Path:
        if choice.name is not None:
            folder = data_root() / "models" / choice.name
            if not folder.is_dir():
                there = sorted(p.parent.name for p in folder.parent.glob("*/manifest.json"))
                raise InputError(
                    f"there is no model {choice.name!r}",
                    where="model.name",
                    hint=f"Models here: {', '.join(there) or 'none'}; 'harness model build' makes "
                    "others, for model.path.",
                )
            return folder
        path = self._folder / str(choice.path)
        if not path.exists():
            raise InputError("no such model file or folder", where=f"model.path: {path}")
        return path if path.is_dir() else path.parent

    def _start(self, choice: ModelChoice, model: LoadedModel) -> LocalFile | None:
        if choice.checkpoint is None:
            return model.checkpoint()
        return self._file(self._folder / choice.checkpoint, "model.checkpoint")

    @staticmethod
    def _file(path: Path, where: str) -> LocalFile:
        try:
            return LocalFile.of(path)
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be used: {error}", where=f"{where}: {path}") from error

    def goal(self, content: JobContent) -> Goal | None:
        """Return the pressure that a job asks for, in megabytes.

        Raises:
            InputError: The model's manifest does not say what the goal needs.
        """
        if content.pressure is None:
            return None
        model = self.model(content.model)
        trainer = content.trainer
        return resolve_goal(
            available_mb=content.pressure.available_mb,
            fits=content.pressure.fits,
            candidates=trainer.candidates,
            need_mb=self.needs(content).mb,
            base_mb=model.manifest.trainer_base_mb,
            tolerance_mb=content.pressure.tolerance_mb,
        )

    def needs(self, content: JobContent) -> Needs:
        """Return what training each sub-model of a job adds (MiB), by the job's memory model.

        Raises:
            InputError: The model's manifest does not have what the paper's estimate takes.
        """
        trainer = content.trainer
        manifest = self.model(content.model).manifest
        return needs_of(manifest, trainer.batch_size, trainer.memory_model)

    # -- recordings -------------------------------------------------------------------------------

    def corpus(self, data: Data, rounds: int) -> Corpus:
        """Return the recordings of one speaker, synthesised if they are not in the cache.

        Raises:
            InputError: No such corpus, manifest or speaker.
        """
        if data.manifest is not None:
            path = self._folder / data.manifest
            if path.is_dir():
                path /= MANIFEST
            with self._lock:
                return self._kept(path, lambda: load_manifest(path))
        if data.corpus not in CORPORA:
            raise InputError(
                f"there is no corpus {data.corpus!r}",
                where="data.corpus",
                hint=f"Corpora: {', '.join(CORPORA)}; or give data.manifest.",
            )
        self._known_speaker(data.speaker, tuple(SPEAKERS))
        spec = CorpusSpec(
            speakers=(data.speaker,),
            train=data.train or 60,
            validation=data.validation or 20,
            rounds=rounds,
            style=data.style,
            seed=data.seed,
            name=str(data.corpus),
        )
        with self._lock:
            return self._kept(
                spec,
                lambda: build_corpus(
                    spec,
                    self._cache,
                    lambda done, total: self._progress(f"speech of {data.speaker}", done, total),
                ),
            )

    def _kept(self, key: object, make: Callable[[], Corpus]) -> Corpus:
        if key not in self._corpora:
            self._corpora[key] = make()
        return self._corpora[key]

    @staticmethod
    def _known_speaker(speaker: str, known: Sequence[str]) -> None:
        if speaker not in known:
            raise InputError(
                f"unknown speaker {speaker!r}",
                where="data.speaker",
                hint=f"Speakers: {', '.join(known)}.",
            )

    def utterances(self, data: Data, rounds: int, number: int, split: str) -> list[Utterance]:
        """Return the utterances of a speaker, round and split.

        Raises:
            InputError: There are none, or fewer than asked for.
        """
        corpus = self.corpus(data, rounds)
        self._known_speaker(data.speaker, corpus.speakers)
        found = list(corpus.select(data.speaker, split, number))
        wanted = data.train if split == "train" else data.validation
        if len(found) < max(1, wanted or 1):
            raise InputError(
                f"{data.speaker} has {len(found)} {split} utterances in round {number}, "
                f"{max(1, wanted or 1)} are asked for",
                where=f"data.{split}",
            )
        return found[:wanted] if wanted else found

    # -- both -------------------------------------------------------------------------------------

    def material(self, spec: JobSpec, parent_checkpoint: Path | None = None) -> Material:
        """Return what one job trains with.

        Args:
            spec: The job.
            parent_checkpoint: Kept checkpoint of the round before, for a later round.

        Raises:
            InputError: Something that the job names is not there or does not fit.
        """
        content = spec.content
        model = self.model(content.model)
        checkpoint = self._start(content.model, model)
        if parent_checkpoint is not None:
            checkpoint = self._file(parent_checkpoint, "the round before")
        splits = {
            split: self.utterances(content.data, spec.rounds, spec.round, split)
            for split in ("train", "validation")
        }
        return Material(
            model_name=model.manifest.name,
            model=model.file(content.trainer.batch_size),
            checkpoint=checkpoint,
            need_mb=self.needs(content).mb,
            trainer_base_mb=model.manifest.trainer_base_mb,
            speaker=content.data.speaker,
            accent=splits["train"][0].accent,
            train=tuple(_item(one) for one in splits["train"]),
            validation=tuple(_item(one) for one in splits["validation"]),
        )

    def check(self, specs: Sequence[JobSpec]) -> None:
        """Check everything that jobs name before a phone is touched.

        Raises:
            InputError: What is missing or does not fit together.
        """
        for spec in specs:
            content = spec.content
            model = self.model(content.model)
            model.file(content.trainer.batch_size)
            self._check_needs(content, model)
            self.goal(content)
            start = self._start(content.model, model)
            if start is not None:
                check_checkpoint(model.file(content.trainer.batch_size).path, start.path)
        for spec in specs:  # after the models: speech may have to be synthesised first
            self._check_speech(spec)

    def _check_speech(self, spec: JobSpec) -> None:
        content = spec.content
        model = self.model(content.model)
        info = model.info(content.trainer.batch_size)
        for split in ("train", "validation"):
            for one in self.utterances(content.data, spec.rounds, spec.round, split):
                self._check_fit(one, content.data, model, info)

    @staticmethod
    def _check_fit(one: Utterance, data: Data, model: LoadedModel, info: ModelInfo) -> None:
        try:
            check_recording(round(one.duration_s * SAMPLE_RATE), one.text, info)
        except InputError as error:
            raise InputError(
                f"{one.id} does not fit the model {model.manifest.name}: {error.what}",
                where=f"data: {one.audio}",
                hint=_shorter(data, info),
            ) from error

    def _check_needs(self, content: JobContent, model: LoadedModel) -> None:
        trainer = content.trainer
        known = self.needs(content).mb
        wanted = trainer.candidates if trainer.sub_model == "auto" else (trainer.sub_model,)
        check_sub_models(model.file(trainer.batch_size).path, wanted)
        missing = [name for name in wanted if name not in known]
        if missing:
            raise InputError(
                f"the manifest of {model.manifest.name} has no need_mb of {', '.join(missing)} "
                f"at batch size {trainer.batch_size}",
                where="trainer.candidates",
                hint=f"It has {', '.join(known) or 'none'} there; 'harness model memory FOLDER "
                "--calibrate' measures what the others are predicted from.",
            )

    def describe(self, specs: Sequence[JobSpec]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what ``run.json`` says of models and data."""
        models: dict[str, Any] = {}
        data: dict[str, Any] = {}
        for spec in specs:
            model = self.model(spec.content.model)
            models[model.manifest.name] = model.manifest.model_dump(mode="json")
            corpus = self.corpus(spec.content.data, spec.rounds)
            data[f"{corpus.name}:{spec.content.data.speaker}"] = {
                "manifest_sha256": corpus.sha256,
                "speakers": list(corpus.speakers),
                "utterances": len(corpus.utterances),
                "seconds": round(sum(one.duration_s for one in corpus.utterances), 1),
            }
        return models, data


def _shorter(data: Data, info: ModelInfo) -> str:
    """Say how to get recordings that fit."""
    if data.manifest is None:
        return "Use data.style: short, or a model for longer speech."
    return (
        f"Import the recordings with --max-seconds {info.max_audio_s:.1f} or less, or use a model "
        "for longer speech."
    )


def _item(utterance: Utterance) -> tuple[str, str, LocalFile]:
    size = utterance.audio.stat().st_size
    return (
        utterance.id,
        utterance.text,
        LocalFile(utterance.audio, utterance.sha256, ".wav", size),
    )
