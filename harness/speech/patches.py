"""A recording whose header is read otherwise than it stands there."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO


class CutError(ValueError):
    """The file ends before its container says so."""


@dataclass(frozen=True)
class Patch:
    """Bytes of a header to be read otherwise."""

    offset: int
    data: bytes


class PatchedFile(io.RawIOBase):
    """A file whose header is read with patches.

    Args:
        file: Open for reading; closed with this one.
        patches: What to read otherwise.
    """

    def __init__(self, file: BinaryIO, patches: tuple[Patch, ...]) -> None:
        self._file = file
        self._patches = patches
        file.seek(0)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can seek."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        """See `io.RawIOBase.readinto`."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = self._file.tell()
        data = bytearray(self._file.read(len(view)))
        for patch in self._patches:
            for place, byte in enumerate(patch.data, patch.offset - start):
                if 0 <= place < len(data):
                    data[place] = byte
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file below too."""
        self._file.close()
        super().close()
