"""What jobs train with: model files by manifest, recordings by corpus; all checked before a phone.

Everything wrong here is bad input: nothing has been started yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from harness.adb.transfer import LocalFile
from harness.corpora import ACCENTS, SPOKEN, language_of
from harness.errors import InputError
from harness.lab.attempt.jobfile import Material, OtherSpeech, Recording
from harness.lab.planning.baselines import check_baselines
from harness.lab.planning.models import Models, weights_file
from harness.lab.planning.needs import JobNeeds, job_needs
from harness.lab.planning.others import OtherVoice, other_voices
from harness.paths import cache_root
from harness.scenario.federated import Part
from harness.scenario.paths import suggestion
from harness.scenario.schema import Data
from harness.scenario.task import Task
from harness.speech import (
    SAMPLE_RATE,
    Corpus,
    CorpusSpec,
    Utterance,
    build_corpus,
    load_manifest,
)
from harness.speech.importing import MANIFEST
from harness.speech.languages import languages
from harness.speech.letters import check_letters
from harness.speech.parts import dealt
from harness.speech.people import people_corpus, people_names
from harness.speech.synthetic import synthetic_speakers
from harness.trainer.batches import check_recording
from harness.trainer.flatfile import check_checkpoint
from harness.trainer.info import ModelInfo

SPLITS: Final = ("train", "validation")
"""Corpora that a scenario may name, beside ``speech/<language>``."""

Progress = Callable[[str, int, int], None]
"""(what is being made, done, total)."""


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


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
        self.models = Models(folder)
        self._corpora: dict[object, Corpus] = {}
        self._shares: dict[object, list[list[Utterance]]] = {}
        self._starts: dict[Path, LocalFile] = {}
        self._lock = threading.RLock()

    def needs(self, tasks: Iterable[Task], gates_at: str = "gates") -> list[JobNeeds]:
        """Find out what jobs need; recordings are not looked at.

        Args:
            tasks: The jobs, as nodes of a run's graph.
            gates_at: Where the gates stand, for messages.

        Raises:
            InputError: A model or a file of it is not there, it lacks what a job asks for, or
                baselines cannot be compared.
        """
        tasks = tuple(tasks)
        check_baselines(tasks, self.models)
        return [job_needs(task, self.models, gates_at) for task in tasks]

    def corpus(self, data: Data, rounds: int) -> Corpus:
        """Return the recordings of a speaker, made or imported if they are not in the cache.

        Raises:
            InputError: No such corpus, language, manifest or speaker.
        """
        with self._lock:
            corpus = self._written(data, rounds)
            return self._kept((corpus.sha256, data.accents), lambda: corpus.spelled(data.accents))

    def _written(self, data: Data, rounds: int) -> Corpus:
        """Return recordings with their texts as they are written."""
        if data.manifest is not None:
            path = self._folder / data.manifest
            if not path.is_file():
                path = _manifest_in(path)
            return self._kept(path, lambda: load_manifest(path))
        if data.corpus in people_names():
            return self._people(data.corpus)
        known = synthetic_speakers(data.corpus)
        if known is None:
            spoken = (f"{SPOKEN}{code}" for code in languages())
            raise InputError(
                f"there is no corpus {data.corpus!r}",
                where="data.corpus",
                hint=f"Corpora: {', '.join((ACCENTS, *people_names(), *spoken))}; or give "
                "data.manifest.",
            )
        for speaker in data.speakers:
            self._known_speaker(speaker, tuple(known))
        spec = CorpusSpec(
            speakers=data.speakers,
            train=data.train or 60,
            validation=data.validation or 20,
            rounds=rounds,
            style=data.style,
            seed=data.seed,
            name=str(data.corpus),
            language=language_of(data.corpus),
        )
        return self._kept(
            spec,
            lambda: build_corpus(
                spec,
                self._cache,
                lambda done, total: self._progress(
                    f"speech of {', '.join(data.speakers)}", done, total
                ),
            ),
        )

    def _people(self, name: str) -> Corpus:
        def told(done: int, total: int) -> None:
            self._progress("recordings of people", done, total)

        return self._kept(name, lambda: people_corpus(self._cache, told, name))

    def _kept(self, key: object, make: Callable[[], Corpus]) -> Corpus:
        if key not in self._corpora:
            self._corpora[key] = make()
        return self._corpora[key]

    @staticmethod
    def _known_speaker(speaker: str, known: Sequence[str]) -> None:
        if speaker not in known:
            near = suggestion(speaker, known)
            raise InputError(
                f"unknown speaker {speaker!r}",
                where="data.speaker",
                hint=f"{near} Speakers: {', '.join(known)}.".strip(),
            )

    def utterances(self, data: Data, rounds: int, number: int, split: str) -> list[Utterance]:
        """Return the utterances of a speaker, round and split.

        Raises:
            InputError: There are none, or fewer than asked for.
        """
        corpus = self.corpus(data, rounds)
        if data.part is not None:
            return self._part(corpus, data, data.part, number, split)
        self._known_speaker(data.speaker, corpus.speakers)
        utterances = list(corpus.select(data.speaker, split, number))
        wanted = data.train if split == "train" else data.validation
        if len(utterances) < max(1, wanted or 1):
            raise InputError(
                f"{data.speaker} has {len(utterances)} {split} utterances in round {number}, "
                f"{max(1, wanted or 1)} are asked for",
                where=f"data.{split}",
            )
        return utterances[:wanted] if wanted else utterances

    def _part(
        self, corpus: Corpus, data: Data, part: Part, number: int, split: str
    ) -> list[Utterance]:
        """Return what one of several shares of speech holds."""
        limit = data.train if split == "train" else data.validation

        def deal() -> list[list[Utterance]]:
            pool: list[Utterance] = []
            for speaker in part.speakers:
                self._known_speaker(speaker, corpus.speakers)
                pool += corpus.select(speaker, split, number)[:limit]
            return dealt(pool, part.by, part.of, alpha=part.alpha, seed=part.seed)

        key = (corpus.sha256, split, number, limit, part.model_copy(update={"number": 1}))
        with self._lock:
            if key not in self._shares:
                self._shares[key] = deal()
            share = self._shares[key][part.number - 1]
        if not share:
            raise InputError(
                f"{data.speaker} has no {split} utterances: {part.of} shares of "
                f"{sum(map(len, self._shares[key]))}",
                where="federated.clients.count",
                hint=f"Ask for fewer clients, or for more speech with data.{split}.",
            )
        return list(share)

    def accents(self, data: Data) -> dict[str, str]:
        """Return the accent of each speaker of a corpus or manifest.

        Raises:
            InputError: No such corpus or manifest.
        """
        known = None if data.manifest is not None else synthetic_speakers(data.corpus)
        if known is not None:
            return {name: speaker.accent for name, speaker in known.items()}
        return {u.speaker: u.accent for u in self.corpus(data, 1).utterances}

    def check(self, jobs: Sequence[JobNeeds]) -> None:
        """Check the files that jobs start from, and that their recordings fit their models.

        Raises:
            InputError: What is missing or does not fit together.
        """
        for job in {(job.flatbuffer, job.start): job for job in jobs}.values():
            _check_start(job)
        # after the models: speech may have to be synthesised first
        alike = {(job.speech, job.spec.content.also_evaluate, job.flatbuffer): job for job in jobs}
        for job in alike.values():
            self._check_speech(job)

    def _check_speech(self, job: JobNeeds) -> None:
        info = job.model.info(job.spec.content.trainer.batch_size)
        utterances = [u for split in SPLITS for u in self.utterances(*job.speech, split)]
        utterances += [u for other in self.others(job) for u in other.validation]
        name = job.model.manifest.name
        check_letters(utterances, info.alphabet, name, fold="data: {accents: folded}")
        for utterance in utterances:
            _check_fit(utterance, job, info)

    def others(self, job: JobNeeds) -> list[OtherVoice]:
        """Return who is only listened to while a job trains.

        Raises:
            InputError: They are not there, or have nothing to listen to.
        """
        return other_voices(job, self.corpus)

    def material(self, job: JobNeeds, parent_checkpoint: Path | None = None) -> Material:
        """Return what one job trains with.

        Args:
            job: The job.
            parent_checkpoint: Kept checkpoint of the round before, for a later round.

        Raises:
            InputError: Recordings or checkpoint are not there.
        """
        start = job.start
        if parent_checkpoint is not None:
            start = self.start_of(parent_checkpoint)
        trainer = job.spec.content.trainer
        train, validation = (self.utterances(*job.speech, split) for split in SPLITS)
        return Material(
            model_name=job.model.manifest.name,
            model=job.flatbuffer,
            checkpoint=start,
            sub_models=job.sub_models,
            need_mb=job.memory.mb,
            trainer_base_mb=job.model.manifest.trainer_base_mb,
            speaker=job.spec.content.data.speaker,
            accent=train[0].accent,
            train=_items(train),
            validation=_items(validation),
            others=tuple(
                OtherSpeech(other.name, other.validation[0].accent, _items(other.validation))
                for other in self.others(job)
            ),
            ordered=trainer.batch_size in job.model.manifest.ordered,
            exits=() if trainer.exits is None else job.model.manifest.network.exits,
        )

    def start_of(self, checkpoint: Path) -> LocalFile:
        """Return weights to start from; one model is the start of many jobs and is read once.

        Raises:
            InputError: They cannot be read.
        """
        with self._lock:
            if checkpoint not in self._starts:
                self._starts[checkpoint] = weights_file(checkpoint, "the round before")
            return self._starts[checkpoint]

    def describe(self, jobs: Iterable[JobNeeds]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what ``run.json`` says of models and data."""
        models: dict[str, Any] = {}
        data: dict[str, Any] = {}
        for job in jobs:
            manifest = job.model.manifest
            models[manifest.name] = manifest.model_dump(mode="json")
            speech, rounds, _ = job.speech
            corpus = self.corpus(speech, rounds)
            data[f"{corpus.name}:{speech.speaker}"] = _describe(corpus)
            for other in self.others(job):
                data.setdefault(f"{other.corpus.name}:{other.name}", _describe(other.corpus))
        return models, data


def _describe(corpus: Corpus) -> dict[str, Any]:
    return {
        "manifest_sha256": corpus.sha256,
        "speakers": list(corpus.speakers),
        "utterances": len(corpus.utterances),
        "seconds": round(corpus.seconds, 1),
    }


def _manifest_in(folder: Path) -> Path:
    """Return the manifest in a folder of recordings.

    Raises:
        InputError: There is none.
    """
    path = folder / MANIFEST
    if not path.is_file():
        what = f"there is no {MANIFEST} in this folder" if folder.is_dir() else "no such file"
        raise InputError(
            what,
            where=f"data.manifest: {folder}",
            hint="`harness corpus import RECORDINGS --out FOLDER` writes one; then write "
            "data: {manifest: FOLDER}.",
        )
    return path


def _check_start(job: JobNeeds) -> None:
    if job.start is None:
        return
    content = job.spec.content
    field = f"baselines.{content.baseline}" if content.baseline else "model.checkpoint"
    shipped = content.model.checkpoint is None  # then the file is the model's own
    try:
        check_checkpoint(job.flatbuffer.path, job.start.path)
    except InputError as error:
        where = error.where if shipped else f"{field}: {error.where}"
        raise InputError(error.what, where=where, hint=error.hint) from error


def _check_fit(utterance: Utterance, job: JobNeeds, info: ModelInfo) -> None:
    try:
        check_recording(round(utterance.duration_s * SAMPLE_RATE), utterance.text, info)
    except InputError as error:
        raise InputError(
            f"{utterance.id} does not fit the model {job.model.manifest.name}: {error.what}",
            where=f"data: {utterance.audio}",
            hint=_shorter(job.spec.content.data, info),
        ) from error


def _shorter(data: Data, info: ModelInfo) -> str:
    """Say how to get recordings that fit."""
    if data.manifest is None:
        return "Use data.style: short, or a model for longer speech."
    return (
        f"Import the recordings with --max-seconds {info.max_audio_s:.1f} or less, or use a model "
        "for longer speech."
    )


def _items(utterances: Iterable[Utterance]) -> tuple[Recording, ...]:
    return tuple(
        (
            utterance.id,
            utterance.text,
            LocalFile(utterance.audio, utterance.sha256, ".wav", utterance.audio.stat().st_size),
        )
        for utterance in utterances
    )
