"""Make a baseline from nothing: speech, pre-training, and the folder that is shipped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.model.configuration import NetworkConfig
from harness.model.folder import (
    move_into,
    today,
    versions,
    write_checkpoint,
    write_manifest,
    write_models,
)
from harness.model.listen import LISTENED, listen
from harness.model.pretraining import (
    Device,
    Pretrained,
    Settings,
    Silent,
    Watcher,
    pretrain,
    read_start,
)
from harness.model.pretraining.start import aim_of
from harness.speech import Corpus, build_corpus, build_pretraining_corpus, load_manifest
from harness.trainer.manifest import ModelFile, ModelManifest, Provenance
from harness.trainer.runtime import FlatbufferModel

_SAID_EVERY = 500


@dataclass(frozen=True)
class Pretraining:
    """What a baseline is made from and how."""

    manifest: Path | None = None
    """JSON lines of ``harness.speech.manifest`` to train and validate on; None = synthetic US."""
    others: Path | None = None
    """Manifest of speakers to listen to in the end; None = the six, if ``manifest`` is None too."""
    utterances: int = 1800
    """Of the synthetic US voices."""
    init: Path | None = None
    """Weights to begin from: an ``.npz`` file or a model folder; None = random ones."""
    settings: Settings = field(default_factory=Settings)
    name: str | None = None
    """Of the model: in its manifest, reports and names of its files; None = that of its network."""
    number_format: str | None = None
    """Of the checkpoint's matrices, as ``Wire.format``; None = float32."""
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
        batch_sizes: Those to ship a flatbuffer for; all start from one checkpoint.
        work: Keeps speech and progress.
        plan: From what and how.
        command: How this was called, for the manifest.
        watcher: Is told how it goes.
        threads: Of LiteRT.

    Raises:
        InputError: A manifest, a recording, kept progress or the device cannot be used.
    """
    watcher = watcher or Silent()
    start = read_start(plan.init, config) if plan.init else None
    settings = replace(plan.settings, begun_from=start.sha256) if start else plan.settings
    aim_of(config, settings)  # a wrong exit is told before any speech is made
    corpus, listened, words = _speech(plan, work / "speech", watcher)
    result = pretrain(
        config,
        corpus,
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
        files = write_models(config, making, batch_sizes, embed=False)
        watcher.said(f"flatbuffers for batch sizes {', '.join(map(str, files))}")
        heard = _heard(making, files, checkpoint, corpus, listened, threads)
        watcher.said("WER %: " + ", ".join(f"{speaker} {wer:g}" for speaker, wer in heard.items()))
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
                corpus=words,
                corpus_sha256=result.corpus_sha256,
                training=_recorded(settings, result),
                wer_percent=heard,
            ),
            learning_rate=plan.learning_rate,
            threads=threads,
        )
        move_into(making, folder)
    return manifest


def _speech(plan: Pretraining, cache: Path, watcher: Watcher) -> tuple[Corpus, Corpus | None, str]:
    """Return what to train on, whom to listen to in the end, and the first in words."""
    listened = load_manifest(plan.others) if plan.others else None
    if plan.manifest is not None:
        corpus = load_manifest(plan.manifest)
        words = f"{plan.manifest.name}: {len(corpus.speakers)} speakers"
        return corpus, listened, words

    def spoken(sentence: int, total: int) -> None:
        if sentence % _SAID_EVERY == 0 or sentence == total:
            watcher.said(f"{sentence} of {total} sentences spoken by synthetic US voices")

    corpus = build_pretraining_corpus(plan.utterances, plan.settings.seed, cache, spoken)
    words = (
        f"{plan.utterances} sentences by synthetic US voices (espeak-ng), none of them one of the "
        "six speakers, no sentence of the validation half"
    )
    return corpus, listened or build_corpus(LISTENED, cache), words


def _heard(
    folder: Path,
    files: dict[int, ModelFile],
    checkpoint: ModelFile,
    corpus: Corpus,
    listened: Corpus | None,
    threads: int,
) -> dict[str, float]:
    """Return the WER of validation halves, as the shipped file hears them."""
    model = FlatbufferModel(folder / files[max(files)].file, threads)
    model.load_checkpoint(folder / checkpoint.file)
    validation = [u for u in corpus.utterances if u.split == "validation"]
    heard = {"validation": listen(model, validation)}
    if listened is not None:
        heard |= {s: listen(model, listened.select(s, "validation")) for s in listened.speakers}
    return heard


def _recorded(settings: Settings, result: Pretrained) -> dict[str, float | int | str]:
    by_exit = {f"wer_{name}_percent": round(wer, 2) for name, wer in result.wer_percent.items()}
    return (
        settings.recorded()
        | by_exit
        | {
            "utterances": result.utterances,
            "left_out": sum(result.left_out.values()),
            "steps": result.steps,
            "seconds": round(result.place.seconds),
            "device": " ".join(result.place.devices),
            "taken_up_after_steps": ", ".join(map(str, result.place.taken_up_after)) or "never",
        }
    )
