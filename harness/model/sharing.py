"""Flatbuffers of another model: a network that lies beside them already gets other weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError
from harness.model.configuration import NetworkConfig
from harness.model.pretraining.data import model_info
from harness.trainer.flatfile import read_info
from harness.trainer.manifest import ModelFile, ModelManifest, check_files, load_manifest

WHERE = "--files-of"


@dataclass(frozen=True)
class SharedFiles:
    """Flatbuffers of a model that another one uses too."""

    owner: ModelManifest
    """Whose they are; what it says of memory holds for both."""
    files: dict[int, ModelFile]
    """By batch size, as the other manifest names them."""


def shared_files(
    owner: Path, folder: Path, config: NetworkConfig, batch_sizes: Sequence[int]
) -> SharedFiles:
    """Return the flatbuffers of a model for another one of the same network.

    Args:
        owner: The model's folder.
        folder: Of the other model; both lie in one folder.
        config: Its network.
        batch_sizes: That it is to have; none: all that there are.

    Raises:
        InputError: There is no such model or batch size, it is another network or lies elsewhere,
            or its files are not there in its own folder.
    """
    where = f"{WHERE}: {owner}"
    manifest = load_manifest(owner)
    check_files(manifest, owner)
    place = owner.resolve()
    if place.parent != folder.resolve().parent or place == folder.resolve():
        raise InputError(
            f"it does not lie beside {folder}",
            where=where,
            hint="A model may use files of another one in the same folder: give an --out there.",
        )
    for size in batch_sizes:
        if size not in manifest.files:
            known = ", ".join(map(str, manifest.files))
            raise InputError(
                f"{manifest.name} has no file for batch size {size}",
                where="--batch-size",
                hint=f"It has batch sizes {known}.",
            )
    files = {size: manifest.files[size] for size in batch_sizes or manifest.files}
    for size, entry in files.items():
        if read_info(entry.path(owner)) != model_info(config.with_batch(size)):
            raise InputError(
                f"{manifest.name} is another network than {config.name}",
                where=where,
                hint="Sizes, exits and alphabet must be the same; without --files-of the model "
                "gets files of its own.",
            )
    lying = {
        size: entry if entry.model else entry.model_copy(update={"model": place.name})
        for size, entry in files.items()
    }
    return SharedFiles(manifest, lying)
