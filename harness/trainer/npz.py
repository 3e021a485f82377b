"""Weights in NumPy's ``.npz``: read with care, since the file may come from anywhere.

Taken are arrays of 32- or 64-bit floating-point numbers that are all finite, stored or deflated,
and packed ones (`harness.trainer.small`); the Java trainer's ``Npz`` takes and refuses the same.
"""

from __future__ import annotations

import contextlib
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import numpy.typing as npt

from harness.compression.packed import Packed, packed_length
from harness.errors import InputError
from harness.trainer.small import CODES_SUFFIX, LIST, MAX_LIST_BYTES, read_list

BROKEN_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, TypeError, KeyError),
    # RuntimeError: encrypted; its child NotImplementedError: an unknown compression
    *(RuntimeError, OverflowError, MemoryError),
)
"""What reading an archive ends in that is damaged, unfinished or of an unusual kind."""

Number = TypeVar("Number", np.float32, np.float64)

_SUFFIX = ".npy"
_ENCRYPTED = 0x1
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class StoredWeights:
    """The arrays of an opened checkpoint.

    Args:
        archive: Of the file.
        path: Of the file, for errors.

    Raises:
        InputError: An entry is no array of floating-point numbers.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        """Of every weight, by name."""
        self._small = self._read_list()
        for entry in archive.infolist():
            if entry.filename.endswith(CODES_SUFFIX):
                self._add_small(entry)
            elif entry.filename != LIST:
                self._add(entry)
        missing = self._small.keys() - self._entries.keys()
        if missing:
            raise ValueError(f"{LIST} names {min(missing)}, which is not in it")

    def read(self, name: str) -> npt.NDArray[np.float32]:
        """Return a weight.

        Raises:
            InputError: It is damaged, or has a number that is not finite.
        """
        return self.read_as(name, np.float32)

    def read_as(self, name: str, dtype: type[Number]) -> npt.NDArray[Number]:
        """Return an array in another precision than that of weights; see `read`.

        Raises:
            InputError: There is none of that name, it is damaged, or has a number that is not
                finite.
        """
        if name not in self._entries:
            raise InputError(f"there is no {name} in it", where=str(self._path))
        entry = self._entries[name]
        if name in self._small:
            packed = self._unpacked(name)
            with _reading(self._path):
                return np.asarray(packed.value(), dtype, order="C")
        with _reading(self._path), self._archive.open(entry) as file:
            stored = np.lib.format.read_array(file, allow_pickle=False)
            file.read(1)  # at the end the sum of its bytes is compared
        with np.errstate(over="ignore", invalid="ignore"):
            weight: npt.NDArray[Number] = np.asarray(stored, dtype, order="C")
            # any NaN or infinite number makes the sum one; no sum of finite float32 overflows
            total = float(weight.sum(dtype=np.float64))
        if not math.isfinite(total):
            raise self._refused(entry, "holds NaN or infinite numbers")
        return weight

    def packed(self, name: str) -> Packed | None:
        """Return a weight as it is packed; None: it is not.

        Raises:
            InputError: It is damaged.
        """
        return self._unpacked(name) if name in self._small else None

    def _unpacked(self, name: str) -> Packed:
        coding, shape = self._small[name]
        with _reading(self._path):
            return Packed(coding, shape, self._archive.read(self._entries[name]))

    def _read_list(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        lists = [entry for entry in self._archive.infolist() if entry.filename == LIST]
        if not lists:
            return {}
        if len(lists) > 1 or lists[0].file_size > MAX_LIST_BYTES:
            raise self._refused(lists[0], "is there twice, or is too long")
        self._check_kind(lists[0])
        return read_list(self._archive.read(lists[0]))

    def _check_kind(self, entry: zipfile.ZipInfo) -> None:
        if entry.flag_bits & _ENCRYPTED:
            raise self._refused(entry, "is encrypted")
        if entry.compress_type not in _READABLE:
            raise self._refused(entry, "is compressed in a way that no trainer reads")

    def _add_small(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename.removesuffix(CODES_SUFFIX)
        if name not in self._small or name in self._entries:
            raise self._refused(entry, f"is not named in {LIST}, or is there twice")
        self._check_kind(entry)
        coding, shape = self._small[name]
        if packed_length(coding, shape) != entry.file_size:
            raise self._refused(entry, f"is not as long as {coding} of the shape {shape}")
        self._entries[name] = entry
        self.shapes[name] = shape

    def _add(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename.removesuffix(_SUFFIX)
        if name == entry.filename or name in self._entries:
            raise self._refused(entry, "is no array, or is there twice")
        self._check_kind(entry)
        with self._archive.open(entry) as file:
            shape, dtype = _header(file)
            if dtype.kind != "f" or dtype.itemsize not in (4, 8):
                raise self._refused(entry, f"is of {dtype}, not of 32-bit floats")
            if file.tell() + math.prod(shape) * dtype.itemsize != entry.file_size:
                raise self._refused(entry, f"is not as long as its shape {shape}")
        self._entries[name] = entry
        self.shapes[name] = shape

    def _refused(self, entry: zipfile.ZipInfo, why: str) -> InputError:
        return InputError(
            f"not a checkpoint: {entry.filename} {why}",
            where=str(self._path),
            hint="Give finite 32-bit floats, as numpy.savez writes them.",
        )


@contextlib.contextmanager
def opened_weights(path: Path) -> Iterator[StoredWeights]:
    """Give the weights of a checkpoint; their shapes are read, the numbers only as asked.

    Raises:
        InputError: It cannot be read, or is no checkpoint.
    """
    with _reading(path):
        archive = zipfile.ZipFile(path)
    with archive:
        with _reading(path):
            stored = StoredWeights(archive, path)
        yield stored


def checkpoint_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight in a checkpoint, by name; the weights are not read.

    Raises:
        InputError: It cannot be read, or is no checkpoint.
    """
    with opened_weights(path) as stored:
        return stored.shapes


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Read the head of an array and return its shape and type."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"an array of version {version}")
    shape, _, dtype = _HEADERS[version](file)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape}")
    return shape, dtype


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except BROKEN_ARCHIVE as error:
        raise InputError(
            f"not a checkpoint: {error}", where=str(path), hint="Give weights as .npz."
        ) from error
