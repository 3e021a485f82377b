"""Model folders that jobs name, each read once and checked against its hashes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.adb.transfer import LocalFile
from harness.errors import InputError, meant
from harness.paths import data_root
from harness.results.federated import last_model
from harness.scenario.schema import ModelChoice
from harness.speech import SAMPLE_RATE
from harness.trainer.flatfile import read_info
from harness.trainer.info import ModelInfo
from harness.trainer.manifest import ModelManifest, check_files, load_manifest, manifest_of


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
        return LocalFile(entry.path(self.folder), entry.sha256, ".tflite", entry.bytes)

    def info(self, batch_size: int) -> ModelInfo:
        """Return the sizes that the flatbuffer for a batch size was made with.

        Raises:
            InputError: It is no model that the trainer can use, or not what its manifest says.
        """
        file = self.file(batch_size)
        info = _info(file)
        if (info.batch_size, info.sample_rate) != (batch_size, SAMPLE_RATE):
            raise InputError(
                f"it was made for batch size {info.batch_size} and {info.sample_rate} Hz, not for "
                f"{batch_size} and {SAMPLE_RATE} Hz",
                where=str(file.path),
                hint="Make the model folder anew with 'harness model build'.",
            )
        return info

    def checkpoint(self) -> LocalFile | None:
        """Return the weights that come with the model, if they are a file of their own."""
        entry = self.manifest.checkpoint
        if entry is None:
            return None
        return LocalFile(entry.path(self.folder), entry.sha256, ".npz", entry.bytes)


@cache
def _info(file: LocalFile) -> ModelInfo:
    """Return what a file was made with; reading it takes some ms."""
    return read_info(file.path)


class Models:
    """Models of one scenario.

    Args:
        folder: Relative paths of the scenario start here.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._models: dict[Path, LoadedModel] = {}
        self._lock = threading.RLock()

    def model(self, choice: ModelChoice) -> LoadedModel:
        """Return a model, its files checked against their hashes.

        Raises:
            InputError: There is none of that name, or its files are not those of its manifest.
        """
        folder = self._model_folder(choice)
        with self._lock:
            if folder not in self._models:
                manifest = load_manifest(folder)
                check_files(manifest, folder)
                self._models[folder] = LoadedModel(folder, manifest)
            return self._models[folder]

    def _model_folder(self, choice: ModelChoice) -> Path:
        if choice.name is not None:
            folder = data_root() / "models" / choice.name
            if not (folder / "manifest.json").is_file():
                names = sorted(path.parent.name for path in folder.parent.glob("*/manifest.json"))
                raise InputError(
                    f"there is no model {choice.name!r}",
                    where="model.name",
                    hint=f"{meant(choice.name, names)}Models here: {', '.join(names) or 'none'}. "
                    "'harness model build --out FOLDER' makes others; then write "
                    "model: {path: FOLDER}.",
                )
            return folder
        path = self._folder / str(choice.path)
        if not path.exists():
            raise InputError("no such model file or folder", where=f"model.path: {path}")
        folder = path if path.is_dir() else path.parent
        if not (folder / "manifest.json").is_file():
            raise InputError(
                "there is no manifest.json in this folder",
                where=f"model.path: {folder}",
                hint="A model is a folder with a manifest.json: 'harness model build --out FOLDER' "
                "makes one; then write model: {path: FOLDER}.",
            )
        return folder

    def start(self, choice: ModelChoice, model: LoadedModel) -> LocalFile | None:
        """Return the weights to start from; None for those in the flatbuffer.

        Raises:
            InputError: They cannot be read, or are those of a model that writes other letters.
        """
        if choice.checkpoint is None:
            return model.checkpoint()
        path = self._folder / choice.checkpoint
        if path.is_dir():
            path = last_model(path, "model.checkpoint")
        owner = manifest_of(path)
        own = model.manifest.network
        if owner is not None and not owner.network.writes_as(own):
            raise InputError(
                f"its model {owner.name} writes {owner.network.in_words}, and "
                f"{model.manifest.name} {own.in_words}",
                where=f"model.checkpoint: {path}",
                hint="Its outputs would mean other letters: give weights of a model with this "
                "alphabet and these pieces, or make a baseline from its encoder (`harness model "
                "pretrain --init encoder:FILE`).",
            )
        return weights_file(path, "model.checkpoint")


def weights_file(path: Path, where: str) -> LocalFile:
    """Return a file of weights.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return LocalFile.of(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be used: {error}", where=f"{where}: {path}") from error
