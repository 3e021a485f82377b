"""Write a baseline folder: flatbuffers by batch size, checkpoint, measured needs, manifest."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from harness.contract.job import SUB_MODELS
from harness.model.configuration import ALPHABET, NetworkConfig, sub_model_parameters
from harness.model.export import build_model
from harness.model.initial import Weights
from harness.model.pretrain import Schedule, pretrain, settings
from harness.speech import CorpusSpec, build_corpus, build_pretraining_corpus
from harness.trainer.manifest import (
    ModelFile,
    ModelManifest,
    Provenance,
    describe_file,
    save_manifest,
)
from harness.trainer.measure import measure_needs

CHECKPOINT = "baseline.npz"


def write_models(
    config: NetworkConfig, folder: Path, batch_sizes: Sequence[int], *, embed: bool, seed: int = 0
) -> dict[int, ModelFile]:
    """Write one flatbuffer a batch size and return their manifest entries.

    Args:
        config: Sizes.
        folder: Where to.
        batch_sizes: The batch sizes.
        embed: Keep (random) weights in each file rather than in a checkpoint beside them.
        seed: Of the random weights.
    """
    return {
        batch: describe_file(
            build_model(
                config.with_batch(batch),
                folder / f"{config.name}-b{batch}.tflite",
                embed=embed,
                seed=seed,
            )
        )
        for batch in batch_sizes
    }


def write_checkpoint(weights: Weights, folder: Path) -> ModelFile:
    """Write ``weights`` as the folder's checkpoint and return its manifest entry."""
    path = folder / CHECKPOINT
    np.savez_compressed(path, **weights)  # type: ignore[arg-type]
    return describe_file(path)


def write_manifest(
    config: NetworkConfig,
    folder: Path,
    files: dict[int, ModelFile],
    *,
    checkpoint: ModelFile | None,
    provenance: Provenance,
    learning_rate: float,
    threads: int = 2,
) -> ModelManifest:
    """Measure what each sub-model needs at each batch size and write the manifest.

    Args:
        config: Sizes.
        folder: Where files and checkpoint lie.
        files: By batch size.
        checkpoint: Shared weights, or None.
        provenance: How it was made.
        learning_rate: For personalising.
        threads: Of LiteRT, in the measured processes.
    """
    weights = folder / checkpoint.file if checkpoint else None
    needs = {
        batch: measure_needs(folder / entry.file, SUB_MODELS, checkpoint=weights, threads=threads)
        for batch, entry in files.items()
    }
    settings = config.features
    manifest = ModelManifest(
        name=config.name,
        arch=f"3 CONV, 4 BLSTM x {config.hidden}, 2 FC",
        files=files,
        checkpoint=checkpoint,
        sample_rate=settings.sample_rate,
        max_audio_s=settings.samples(config.max_frames) / settings.sample_rate,
        alphabet=ALPHABET,
        parameters=dict(zip(SUB_MODELS, sub_model_parameters(config).values(), strict=True)),
        need_mb={
            b: {s: n.need_mb for s, n in zip(SUB_MODELS, by.values(), strict=True)}
            for b, by in needs.items()
        },
        trainer_base_mb=float(np.median([n.base_mb for by in needs.values() for n in by.values()])),
        learning_rate=learning_rate,
        provenance=provenance,
    )
    save_manifest(manifest, folder)
    return manifest


def versions() -> dict[str, str]:
    """Return the versions that a baseline depends on."""
    names = ("mobileasr-lab", "tensorflow-cpu", "ai-edge-litert", "numpy", "espeakng-loader")
    return {"python": platform.python_version()} | {n: _version(n) for n in names}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def today() -> str:
    """Return the date (UTC) for a manifest."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def ship_random(
    config: NetworkConfig, folder: Path, batch_sizes: Sequence[int], *, command: str
) -> ModelManifest:
    """Write a baseline with random weights (``ds2-tiny``: for tests of everything around it).

    Args:
        config: Sizes.
        folder: Where to, such as ``models/ds2-tiny``.
        batch_sizes: The batch sizes.
        command: How this was called, for the manifest.
    """
    files = write_models(config, folder, batch_sizes, embed=True)
    provenance = Provenance(
        command=command, date=today(), versions=versions(), corpus="none: random weights"
    )
    return write_manifest(
        config, folder, files, checkpoint=None, provenance=provenance, learning_rate=1e-3
    )


def ship_pretrained(
    config: NetworkConfig,
    folder: Path,
    batch_sizes: Sequence[int],
    work: Path,
    *,
    command: str,
    learning_rate: float,
    utterances: int = 1800,
    schedule: Schedule | None = None,
    threads: int = 2,
    say: Callable[[str], None] = print,
) -> ModelManifest:
    """Make a baseline from nothing: speech, pre-training, flatbuffers, measured needs.

    Args:
        config: Sizes.
        folder: Where to, such as ``models/ds2-mini``.
        batch_sizes: Those to ship a flatbuffer for; all start from one checkpoint.
        work: Keeps the corpus and the progress of the training.
        command: How this was called, for the manifest.
        learning_rate: For personalising; goes into the manifest.
        utterances: Of the US pre-training voices.
        schedule: Of the pre-training.
        threads: Of LiteRT.
        say: Takes a line of progress.
    """
    schedule = schedule or Schedule()
    speech = work / "speech"
    corpus = build_pretraining_corpus(utterances, schedule.seed, speech)
    others = build_corpus(CorpusSpec(name="listened", train=0, validation=40, seed=0), speech)
    say(f"{len(corpus.utterances)} utterances to train and validate on")
    result = pretrain(
        config,
        corpus.manifest,
        work,
        schedule,
        others=others.manifest,
        threads=threads,
        say=say,
    )
    say(f"validation WER by speaker: {result.wer_percent}")
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = write_checkpoint(result.weights, folder)
    files = write_models(config, folder, batch_sizes, embed=False)
    say(f"wrote flatbuffers for batch sizes {', '.join(map(str, files))}")
    provenance = Provenance(
        command=command,
        date=today(),
        versions=versions(),
        corpus=f"{utterances} sentences by synthetic US voices (espeak-ng), none of them one of "
        "the six speakers, no sentence of the validation half",
        corpus_sha256=result.corpus_sha256,
        training=settings(schedule, result) | {"utterances": utterances},
        wer_percent=result.wer_percent,
    )
    return write_manifest(
        config,
        folder,
        files,
        checkpoint=checkpoint,
        provenance=provenance,
        learning_rate=learning_rate,
        threads=threads,
    )
