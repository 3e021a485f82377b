"""Checkpoints: weights as ``.npz``, whole or not there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from harness.compression.packed import Packed
from harness.compression.shuffled import SHUFFLED
from harness.contract.wire import Written
from harness.errors import InputError
from harness.trainer.small import CODES_SUFFIX, LIST, listed

if TYPE_CHECKING:
    from harness.trainer.packing import Packing

_FASTEST: Final = 1
"""Of zlib's levels: more take time and find little in weights."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint on the phone."""

    path: Path
    sha256: str
    size_bytes: int
    written: Written | None = None
    """Of an update that was written small."""


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 without holding the file in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def check_sha256(path: Path, sha256: str) -> None:
    """Check that a file is the one that is meant.

    Raises:
        InputError: It is not there, or it is another.
    """
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if digest != sha256:
        raise InputError(f"its SHA-256 begins {digest[:12]}, not {sha256[:12]}", where=str(path))


def misfit(wanted: Mapping[str, tuple[int, ...]], stored: Mapping[str, tuple[int, ...]]) -> str:
    """Say how a checkpoint's weights differ from a model's; empty if they do not."""
    names = sorted(n for n in wanted.keys() | stored.keys() if wanted.get(n) != stored.get(n))
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"the checkpoint is of another model: {', '.join(names[:3])}{more} differ"


def checkpoint_path(folder: Path, epoch: int) -> Path:
    """Return where the checkpoint of an epoch lies."""
    return folder / f"epoch-{epoch:04d}.npz"


def save_checkpoint(
    folder: Path,
    epoch: int,
    weights: Iterable[tuple[str, npt.NDArray[np.float32]]],
    packing: Packing | None = None,
) -> Saved:
    """Write the weights of an epoch, one after another: they need not be in memory together.

    Args:
        folder: Of the checkpoints.
        epoch: Counted from 1.
        weights: Names and values; a value is not looked at again after the next one came.
        packing: Writes some of them smaller.

    Raises:
        OSError: The disk is full, for example; nothing is left behind then.
    """
    if packing is None:
        return write_weights(checkpoint_path(folder, epoch), weights)
    with weights_writer(checkpoint_path(folder, epoch)) as writer:
        for name, value in weights:
            packing.write(writer, name, value)
    return replace(writer.saved(), written=packing.written(compared=False))


def write_weights(path: Path, weights: Iterable[tuple[str, npt.NDArray[np.float32]]]) -> Saved:
    """Write weights as ``.npz``, one after another; see `save_checkpoint`.

    Raises:
        OSError: The disk is full, for example; nothing is left behind then.
    """
    with weights_writer(path) as writer:
        for name, value in weights:
            writer.write(name, value)
    return writer.saved()


class WeightsWriter:
    """Writes weights, one after another; `weights_writer` makes one.

    Args:
        path: Where the file will be.
        archive: What is written meanwhile.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._small: dict[str, tuple[str, tuple[int, ...]]] = {}

    def write(self, name: str, value: npt.NDArray[np.float32]) -> None:
        """Write a weight; it is not looked at again."""
        # without the time that an entry else carries: the same weights are the same bytes
        info = zipfile.ZipInfo(f"{name}.npy")
        info.compress_type = self._archive.compression
        with self._archive.open(info, "w", force_zip64=True) as entry:
            np.lib.format.write_array(entry, value, allow_pickle=False)

    def write_small(self, name: str, packed: Packed) -> None:
        """Write a weight that was packed."""
        info = zipfile.ZipInfo(f"{name}{CODES_SUFFIX}")
        if packed.coding == SHUFFLED:
            self._archive.writestr(info, packed.data, zipfile.ZIP_DEFLATED, _FASTEST)
        else:  # codes have no bits to spare
            self._archive.writestr(info, packed.data, zipfile.ZIP_STORED)
        # without its data: a model of packed variables need not be in memory
        self._small[name] = (packed.coding, packed.shape)

    def finish(self) -> None:
        """Write what small weights are read by, if there are some."""
        if self._small:
            self._archive.writestr(zipfile.ZipInfo(LIST), listed(self._small))

    def saved(self) -> Saved:
        """Return what was written, once it is whole."""
        return Saved(self._path, file_sha256(self._path), self._path.stat().st_size)


@contextlib.contextmanager
def weights_writer(path: Path, *, deflate: bool = False) -> Iterator[WeightsWriter]:
    """Give what writes weights to a file; it is there, whole, when this ends.

    Args:
        path: Of the file.
        deflate: Make it small, for weights that are zero in good part.

    Raises:
        OSError: The disk is full, for example; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            way = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED  # as np.savez does
            with zipfile.ZipFile(file, "w", way, allowZip64=True) as archive:
                writer = WeightsWriter(path, archive)
                yield writer
                writer.finish()
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable: the event that announces it is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def prune(folder: Path, keep: set[int]) -> None:
    """Delete the checkpoints of all epochs but these."""
    wanted = {checkpoint_path(folder, epoch).name for epoch in keep}
    for path in folder.glob("epoch-*.npz"):
        if path.name not in wanted:
            path.unlink()
