"""Which flatbuffers are measured, with which weights, and of which network they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import InputError
from harness.model.bench.contestants import OF_ANY_FAMILY, TRIES_FEATURES, Task
from harness.model.bench.paired import Contestant
from harness.model.config_file import network
from harness.model.configuration import NetworkConfig, layer_parameters
from harness.model.convert import convert
from harness.model.families import CONFIGS
from harness.model.initial import initial_weights
from harness.model.inspection import inspect
from harness.trainer.info import ModelInfo, train_signature
from harness.trainer.manifest import check_files, load_manifest

OTHER_SIGNATURES = ("features", "infer", "loss")


@dataclass(frozen=True)
class Subject:
    """One flatbuffer to measure."""

    config: NetworkConfig
    model: Path
    checkpoint: Path | None
    """Weights that it must be given; None if it has its own."""
    weights: Path
    """The same weights for all others."""
    signatures: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Return the size of the flatbuffer and of the checkpoint it needs."""
        return sum(p.stat().st_size for p in (self.model, self.checkpoint) if p is not None)

    def tasks(self, signature: str, others: Sequence[str], threads: int) -> list[Task]:
        """Return what runs in turn: the flatbuffer, then the others that know the signature.

        Of ``others`` only those that there are for the network's family.
        """
        there = OF_ANY_FAMILY | self.config.formulations
        return [
            Task(
                contestant=name,
                signature=signature,
                config=self.config,
                model=self.model,
                checkpoint=self.checkpoint,
                weights=self.weights,
                threads=threads,
            )
            for name in ("litert", *others)
            if name in there and (signature != "features" or name in TRIES_FEATURES)
        ]


def subjects(
    model: Path | None,
    arch: str | None,
    batch_sizes: Sequence[int],
    checkpoint: Path | None,
    signatures: Sequence[str],
    folder: Path,
    *,
    say: Callable[[str], None],
) -> Iterator[Subject]:
    """Find or make the flatbuffers, one a batch size.

    Args:
        model: A file, a model folder, or None to convert ``arch``.
        arch: A network; for a file only needed if no network of the project has its sizes.
        batch_sizes: Those wanted; empty for all that a folder has, or for the network's own.
        checkpoint: Weights of a file without any; by default random ones.
        signatures: Those wanted; empty for all.
        folder: For what is made on the way.
        say: Takes a line of progress.

    Raises:
        InputError: There is no such model, batch size, network or signature.
    """
    chosen = network(arch) if arch is not None else None
    if model is None:
        if chosen is None:
            raise InputError("nothing to measure", hint="Give a model file, a folder, or --arch.")
        for batch in batch_sizes or (chosen.batch_size,):
            say(f"converting {chosen.name} for batch size {batch}")
            path = folder / f"{chosen.name}-b{batch}.tflite"
            names = chosen.describe().sub_model_names
            trained = [s for s in names if not signatures or train_signature(s) in signatures]
            convert(chosen.with_batch(batch), path, embed=False, sub_models=trained or names[-1:])
            yield _subject(path, chosen, None, signatures, folder)
    elif model.is_dir():
        manifest = load_manifest(model)
        check_files(manifest, model)
        shared = manifest.checkpoint.path(model) if manifest.checkpoint else None
        for batch in batch_sizes or sorted(manifest.files):
            if batch not in manifest.files:
                raise InputError(
                    f"no flatbuffer for batch size {batch}",
                    where=str(model),
                    hint=f"It has {', '.join(map(str, sorted(manifest.files)))}.",
                )
            path = manifest.files[batch].path(model)
            yield _subject(path, chosen, checkpoint or shared, signatures, folder)
    else:
        subject = _subject(model, chosen, checkpoint, signatures, folder)
        if batch_sizes and set(batch_sizes) != {subject.config.batch_size}:
            raise InputError(
                f"the file is for batch size {subject.config.batch_size}", where="--batch-size"
            )
        yield subject


def _subject(
    model: Path,
    chosen: NetworkConfig | None,
    checkpoint: Path | None,
    signatures: Sequence[str],
    folder: Path,
) -> Subject:
    seen = inspect(model)
    if seen.info is None:
        raise InputError(seen.not_trainable or "not a trainable model", where=str(model))
    config = _config(seen.info, chosen, model)
    known = [name for name in OTHER_SIGNATURES if name in seen.signatures]
    there = [*known, *(train_signature(name) for name in seen.info.network.sub_model_names)]
    for name in signatures:
        if name not in there:
            raise InputError(
                f"no signature {name!r} to measure",
                where=str(model),
                hint=f"There are {', '.join(there)}.",
            )
    wanted = tuple(name for name in there if not signatures or name in signatures)
    if checkpoint is not None and not checkpoint.is_file():
        raise InputError("no such file", where=str(checkpoint))
    if checkpoint is None:
        weights = folder / f"{config.name}.npz"
        if not seen.weights_included:
            if not weights.is_file():
                np.savez(weights, **initial_weights(config, 0))  # type: ignore[arg-type]
            checkpoint = weights
    else:
        weights = checkpoint
    subject = Subject(config, model.resolve(), checkpoint, weights, wanted)
    if checkpoint is None:
        _extract(subject, folder)
    return subject


def _config(info: ModelInfo, chosen: NetworkConfig | None, model: Path) -> NetworkConfig:
    for config in CONFIGS.values() if chosen is None else (chosen,):
        if layer_parameters(config) == info.layer_parameters:
            return dataclasses.replace(
                config,
                batch_size=info.batch_size,
                max_frames=info.max_frames,
                max_label=info.max_label,
            )
    whose = "no network of the project has" if chosen is None else f"{chosen.name} has not"
    raise InputError(
        f"{whose} the sizes of this file",
        where=str(model),
        hint="Say with --arch of which network it was made (a name or a YAML file).",
    )


def _extract(subject: Subject, folder: Path) -> None:
    """Write the weights that a flatbuffer holds where the others will look for them."""
    task = dataclasses.replace(subject.tasks("loss", (), 1)[0], signature="get_weights")
    with Contestant(task, folder) as contestant:
        contestant.load()
        contestant.step()
