"""A model folder: flatbuffers by batch size, checkpoint, measured needs, manifest.

tensorflow is needed to write flatbuffers only, and not in this process.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.compression.chosen import chosen
from harness.compression.packed import pack
from harness.contract.wire import Wire
from harness.memory.measured import MemoryRecord
from harness.model.configuration import NetworkConfig
from harness.model.convert import convert
from harness.model.initial import Weights
from harness.model.sizes import network_sizes
from harness.trainer.calibrate import Cell, make_record, measured
from harness.trainer.checkpoints import weights_writer
from harness.trainer.manifest import (
    FILE_NAME,
    ModelFile,
    ModelManifest,
    Provenance,
    describe_file,
    save_manifest,
)
from harness.trainer.measure import measure_needs

CHECKPOINT = "baseline.npz"


def write_models(
    config: NetworkConfig,
    folder: Path,
    batch_sizes: Sequence[int],
    *,
    embed: bool,
    seed: int = 0,
    sub_models: Collection[str] | None = None,
) -> dict[int, ModelFile]:
    """Write one flatbuffer a batch size and return their manifest entries.

    Args:
        config: Sizes.
        folder: Where to.
        batch_sizes: The batch sizes.
        embed: Keep (random) weights in each file rather than in a checkpoint beside them.
        seed: Of the random weights.
        sub_models: Those that the files can train; None = all of the network.

    Raises:
        harness.model.convert.ConversionError: tensorflow could not.
    """
    return {
        batch: describe_file(
            convert(
                config.with_batch(batch),
                folder / f"{config.name}-b{batch}.tflite",
                embed=embed,
                seed=seed,
                sub_models=sub_models,
            )
        )
        for batch in batch_sizes
    }


def write_checkpoint(weights: Weights, folder: Path, number_format: str | None = None) -> ModelFile:
    """Write ``weights`` as the folder's checkpoint and return its manifest entry.

    Args:
        weights: By full name.
        folder: Where to.
        number_format: Of matrices and kernels, such as ``S1E5M10`` (`harness.contract.wire`);
            biases, norms and statistics stay as they are. None: all of it in float32.
    """
    path = folder / CHECKPOINT
    if number_format is None:
        np.savez_compressed(path, **weights)  # type: ignore[arg-type]
        return describe_file(path)
    wire = Wire(format=number_format, rounding="nearest_even")
    small = set(chosen({name: value.shape for name, value in weights.items()}, wire))
    with weights_writer(path, deflate=True) as writer:
        for name, value in weights.items():
            if name in small:
                writer.write_small(name, pack(value, wire, name))
            else:
                writer.write(name, value)
    return describe_file(path)


@dataclass(frozen=True)
class Costs:
    """What training with a model's files costs, measured."""

    need_mb: dict[int, dict[str, float]]
    memory: MemoryRecord | None
    trainer_base_mb: float

    @staticmethod
    def of(manifest: ModelManifest, batch_sizes: Collection[int]) -> Costs:
        """Return what a manifest says of files with these batch sizes."""
        needs = {size: by for size, by in manifest.need_mb.items() if size in batch_sizes}
        return Costs(needs, manifest.memory, manifest.trainer_base_mb)


NOT_MEASURED = Costs({}, None, 0.0)
"""No scenario can use a folder with these."""


def _measured_costs(
    config: NetworkConfig,
    folder: Path,
    files: dict[int, ModelFile],
    *,
    checkpoint: ModelFile | None,
    threads: int,
    sub_models: Collection[str] | None,
) -> Costs:
    """Measure what each sub-model needs at each batch size.

    Args:
        config: Sizes.
        folder: Where files and checkpoint lie.
        files: By batch size.
        checkpoint: Shared weights, or None.
        threads: Of LiteRT, in the measured processes.
        sub_models: Those that the files can train; None = all of the network.
    """
    names = config.describe(sub_models).sub_model_names
    needs = {
        batch: measure_needs(
            entry.path(folder),
            names,
            checkpoint=checkpoint.path(folder) if checkpoint else None,
            threads=threads,
            ordered=is_ordered(config),
        )
        for batch, entry in files.items()
    }
    points = [
        measured(Cell(name, batch), by[name]) for batch, by in needs.items() for name in names
    ]
    return Costs(
        {batch: {name: need.need_mb for name, need in by.items()} for batch, by in needs.items()},
        make_record(points, files, threads),
        float(np.median([need.base_mb for by in needs.values() for need in by.values()])),
    )


def is_ordered(config: NetworkConfig) -> bool:
    """Return whether files are run in their own order.

    In clusters all that is decoded lives at once.
    """
    return config.resident != "float32"


def write_manifest(
    config: NetworkConfig,
    folder: Path,
    files: dict[int, ModelFile],
    *,
    checkpoint: ModelFile | None,
    provenance: Provenance,
    learning_rate: float,
    threads: int = 2,
    sub_models: Collection[str] | None = None,
    costs: Costs | None = None,
) -> ModelManifest:
    """Measure what each sub-model needs at each batch size, if need be, and write the manifest.

    Args:
        config: Sizes.
        folder: Where to.
        files: By batch size.
        checkpoint: Shared weights, or None.
        provenance: How it was made.
        learning_rate: For personalising.
        threads: Of LiteRT, in the measured processes.
        sub_models: Those that the files can train; None = all of the network.
        costs: What training needs; None = measured now.
    """
    costs = costs or _measured_costs(
        config, folder, files, checkpoint=checkpoint, threads=threads, sub_models=sub_models
    )
    network = config.describe(sub_models)
    settings = config.features
    manifest = ModelManifest(
        name=config.name,
        arch=config.summary,
        files=files,
        checkpoint=checkpoint,
        sample_rate=settings.sample_rate,
        max_audio_s=settings.samples(config.max_frames) / settings.sample_rate,
        alphabet=config.alphabet,
        parameters={name: network.trained_parameters(name) for name in network.sub_model_names},
        need_mb=costs.need_mb,
        sizes=network_sizes(config),
        network=network,
        memory=costs.memory,
        trainer_base_mb=costs.trainer_base_mb,
        learning_rate=learning_rate,
        resident=config.resident,
        rounding=config.rounding,
        optimiser=config.optimiser,
        recompute=config.recompute or config.switched,
        forward=config.forward,
        forward_per=config.forward_per,
        ordered=tuple(files) if is_ordered(config) else (),
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


def move_into(source: Path, folder: Path) -> None:
    """Move a whole model into place, its manifest last; what it does not name goes.

    Args:
        source: A finished model folder on the same file system.
        folder: Where it is to be; may hold another model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in source.iterdir()}
    for path in (*folder.glob("*.tflite"), *folder.glob("*.npz")):
        if path.name not in names:
            path.unlink()
    for name in sorted(names, key=lambda name: name == FILE_NAME):
        (source / name).replace(folder / name)
