"""Make a baseline from nothing: speech, pre-training, and the folder that is shipped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.model.configuration import NetworkConfig
from harness.model.folder import (
    Costs,
    move_into,
    today,
    versions,
    write_checkpoint,
    write_manifest,
    write_models,
)
from harness.model.listen import listen
from harness.model.pieces import Pieces
from harness.model.pretraining import (
    Beginning,
    Device,
    Mixture,
    Pretrained,
    Settings,
    Silent,
    Watcher,
    pretrain,
)
from harness.model.pretraining.objective import loss_of
from harness.model.pretraining.start import aim_of
from harness.model.sharing import shared_files
from harness.model.speech import Asked, Gathered, gathered, name_of
from harness.speech.letters import check_letters
from harness.speech.text import Accents
from harness.trainer.lineage import SpeechUsed, Stage
from harness.trainer.manifest import ModelFile, ModelManifest, Provenance
from harness.trainer.runtime import FlatbufferModel
from harness.version import commit


@dataclass(frozen=True)
class Pretraining:
    """What a baseline is made from and how."""

    corpora: tuple[Asked, ...] = ()
    """What to train and validate on; none = the synthetic US voices."""
    others: Path | None = None
    """Manifest of speakers to listen to in the end; None = those who are personalised of each
    synthetic corpus."""
    utterances: int = 1800
    """To train on, of each synthetic corpus."""
    accents: Accents = "folded"
    """Whether languages' own letters are kept or folded."""
    start: Beginning | None = None
    """Weights to begin from; None = random ones."""
    pieces: Pieces = field(default_factory=Pieces)
    """What is learnt of the texts that are trained on, beside characters."""
    settings: Settings = field(default_factory=Settings)
    name: str | None = None
    """Of the model: in its manifest, reports and names of its files; None = that of its network."""
    number_format: str | None = None
    """Of the checkpoint's matrices, as ``Wire.format``; None = float32."""
    files_of: Path | None = None
    """A model beside the new one: its flatbuffers, and what they need of memory, are the new one's
    too; None = it has its own."""
    learning_rate: float = 5e-4
    """For personalising; goes into the model's manifest."""
    device: Device = "auto"
    keep_every: int = 50
    """Steps between two copies of the progress."""


def ship_pretrained(
    config: NetworkConfig,
    folder: Path,
    batch_sizes: Sequence[int],
    work: Path,
    plan: Pretraining,
    *,
    command: str,
    watcher: Watcher | None = None,
    threads: int = 2,
) -> ModelManifest:
    """Make a baseline from nothing: speech, pre-training, flatbuffers, their WER and needs.

    Speech and training are kept in ``work`` and taken up where they were. What follows is made
    anew each time beside ``folder`` and moved into it when all of it is there.

    Args:
        config: Sizes.
        folder: Where to, such as ``models/ds2-mini``.
        batch_sizes: Those to ship a flatbuffer for; all start from one checkpoint. None: all of
            ``plan.files_of``, or the network's own.
        work: Keeps speech and progress.
        plan: From what and how.
        command: How this was called, for the manifest.
        watcher: Is told how it goes.
        threads: Of LiteRT.

    Raises:
        InputError: A manifest, a recording, kept progress or the device cannot be used, or the
            network has not all letters of the transcripts.
    """
    watcher = watcher or Silent()
    start = plan.start
    settings = replace(plan.settings, begun_from=start.identity) if start else plan.settings
    aim_of(config, settings)  # what cannot be trained so is told before any speech is made
    loss_of(config, settings)
    shared = plan.files_of and shared_files(plan.files_of, folder, config, batch_sizes)
    speech = gathered(
        plan.corpora,
        plan.others,
        utterances=plan.utterances,
        seed=settings.seed,
        accents=plan.accents,
        cache=work / "speech",
        said=watcher.said,
    )
    config = plan.pieces.learnt_by(config, training_texts(speech.mixture))
    for corpus in speech.listened:
        check_letters(corpus.utterances, config.alphabet, config.name, fold="--accents folded")
    result = pretrain(
        config,
        speech.mixture,
        work,
        settings,
        device=plan.device,
        keep_every=plan.keep_every,
        watcher=watcher,
        start=start,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        making = Path(name)
        checkpoint = write_checkpoint(result.weights, making, plan.number_format)
        config = replace(config, name=plan.name or config.name)
        if shared:
            files = shared.files
            watcher.said(f"flatbuffers and what they need: those of {shared.owner.name}")
        else:
            sizes = batch_sizes or [config.batch_size]
            files = write_models(config, making, sizes, embed=False)
            watcher.said(f"flatbuffers for batch sizes {', '.join(map(str, files))}")
        heard = _heard(making, files, checkpoint, speech, threads)
        watcher.said("WER %: " + ", ".join(f"{speaker} {wer:g}" for speaker, wer in heard.items()))
        costs = Costs.of(shared.owner, files) if shared else None
        if costs is None:
            processes = len(files) * len(config.sub_models())
            watcher.said(f"measuring what training needs: {processes} processes, seconds each")
        manifest = write_manifest(
            config,
            making,
            files,
            checkpoint=checkpoint,
            provenance=Provenance(
                command=command,
                date=today(),
                versions=versions(),
                corpus=speech.words,
                corpus_sha256=result.corpus_sha256,
                training=_recorded(settings, result),
                wer_percent=heard,
                lineage=(
                    *(start.lineage if start else ()),
                    _stage(plan, config, speech, result, command, checkpoint),
                ),
            ),
            learning_rate=plan.learning_rate,
            threads=threads,
            costs=costs,
        )
        move_into(making, folder)
    return manifest


def training_texts(mixture: Mixture) -> list[str]:
    """Return the texts that a mixture has to train on."""
    return [u.text for u in mixture.utterances if u.split == "train"]


def _heard(
    folder: Path,
    files: dict[int, ModelFile],
    checkpoint: ModelFile,
    speech: Gathered,
    threads: int,
) -> dict[str, float]:
    """Return the WER of validation halves, as the shipped file hears them."""
    model = FlatbufferModel(files[max(files)].path(folder), threads)
    model.load_checkpoint(checkpoint.path(folder))
    validation = [u for u in speech.mixture.utterances if u.split == "validation"]
    heard = {"validation": listen(model, validation)}
    for corpus in speech.listened:
        heard |= {s: listen(model, corpus.select(s, "validation")) for s in corpus.speakers}
    return heard


def _stage(
    plan: Pretraining,
    config: NetworkConfig,
    speech: Gathered,
    result: Pretrained,
    command: str,
    weights: ModelFile,
) -> Stage:
    """Return this training, for the lineage of what came of it."""
    shares = zip(speech.mixture.shares, result.utterances, strict=True)
    settings = plan.settings
    loss: str = "minwer" if settings.minwer is not None else config.own_loss
    if config.describe().writes:
        loss += " and cross-entropy"
    return Stage(
        network=config.name,
        alphabet=config.alphabet,
        pieces=len(config.word_pieces),
        command=command,
        date=today(),
        commit=commit(),
        begun_from=plan.start.recorded if plan.start else (),
        corpora=tuple(
            SpeechUsed(
                name=name_of(share.corpus),
                sha256=share.corpus.sha256,
                languages=share.corpus.languages,
                weight=share.weight,
                utterances=utterances,
            )
            for share, utterances in shares
        ),
        words=speech.words,
        accents=speech.mixture.accents,
        loss=loss,
        epochs=settings.epochs,
        steps=result.steps,
        seed=settings.seed,
        weights_sha256=weights.sha256,
    )


def _recorded(settings: Settings, result: Pretrained) -> dict[str, float | int | str]:
    by_exit = {f"wer_{name}_percent": round(wer, 2) for name, wer in result.wer_percent.items()}
    return (
        settings.recorded()
        | by_exit
        | {
            "utterances": sum(result.utterances),
            "left_out": sum(result.left_out.values()),
            "steps": result.steps,
            "seconds": round(result.place.seconds),
            "device": " ".join(result.place.devices),
            "taken_up_after_steps": ", ".join(map(str, result.place.taken_up_after)) or "never",
        }
    )
