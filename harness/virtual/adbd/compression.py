"""The compressions of ``sendrecv_v2``: a stream of bytes in DATA frames, packed by the sender.

Source: AOSP packages/modules/adb, ``compression_utils.h`` and ``file_sync_protocol.h``. A host
takes zstd if it's promised, else lz4, else brotli; platform-tools 30 know brotli alone, 31 lz4 too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import brotli
import lz4.frame
import zstandard

Bytes = bytes | bytearray | memoryview

BROTLI, LZ4, ZSTD = 1, 2, 4
"""Flags of SND2 and RCV2."""

ALL = BROTLI | LZ4 | ZSTD

# As adbd: a cable is slow, but a processor shouldn't be what a push waits for.
_BROTLI_QUALITY = 1
_ZSTD_LEVEL = 1


class BrokenStream(ValueError):  # noqa: N818
    """What came isn't packed that way, or ends too early."""


class Unpacker(Protocol):
    """Turns packed bytes into a file's bytes."""

    def unpack(self, data: Bytes) -> bytes:
        """Return what can be said already.

        Raises:
            BrokenStream: This isn't packed that way.
        """

    def finish(self) -> None:
        """Take note that nothing more comes.

        Raises:
            BrokenStream: Something is missing.
        """


class Packer(Protocol):
    """Turns a file's bytes into packed bytes."""

    def pack(self, data: Bytes) -> bytes:
        """Return what can be sent already."""

    def finish(self) -> bytes:
        """Return the rest."""


class _Unpacker:
    def __init__(
        self,
        unpack: Callable[[Bytes], bytes],
        ended: Callable[[], bool],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._unpack = unpack
        self._ended = ended
        self._errors = errors
        self._begun = False

    def unpack(self, data: Bytes) -> bytes:
        self._begun = True
        if self._ended():
            raise BrokenStream("bytes after the end of the packed stream")
        try:
            return self._unpack(data)
        except self._errors as error:
            raise BrokenStream(str(error)) from error

    def finish(self) -> None:
        if self._begun and not self._ended():
            raise BrokenStream("the packed stream ends too early")


class _Packer:
    def __init__(
        self, pack: Callable[[Bytes], bytes], finish: Callable[[], bytes], head: bytes = b""
    ) -> None:
        self._pack = pack
        self._finish = finish
        self._head = head

    def pack(self, data: Bytes) -> bytes:
        head, self._head = self._head, b""
        return head + self._pack(data)

    def finish(self) -> bytes:
        head, self._head = self._head, b""
        return head + self._finish()


def unpacker(flag: int) -> Unpacker:
    """Return an unpacker for one of the flags.

    Raises:
        KeyError: No such flag, or several.
    """
    return {BROTLI: _brotli_in, LZ4: _lz4_in, ZSTD: _zstd_in}[flag]()


def packer(flag: int) -> Packer:
    """Return a packer for one of the flags.

    Raises:
        KeyError: No such flag, or several.
    """
    return {BROTLI: _brotli_out, LZ4: _lz4_out, ZSTD: _zstd_out}[flag]()


def _brotli_in() -> Unpacker:
    decompressor: Any = brotli.Decompressor()
    return _Unpacker(
        lambda data: decompressor.process(bytes(data)), decompressor.is_finished, (brotli.error,)
    )


def _lz4_in() -> Unpacker:
    decompressor: Any = lz4.frame.LZ4FrameDecompressor()
    return _Unpacker(
        decompressor.decompress, lambda: bool(decompressor.eof), (RuntimeError, EOFError)
    )


def _zstd_in() -> Unpacker:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    return _Unpacker(
        decompressor.decompress, lambda: bool(decompressor.eof), (zstandard.ZstdError,)
    )


def _brotli_out() -> Packer:
    compressor: Any = brotli.Compressor(quality=_BROTLI_QUALITY)
    return _Packer(lambda data: compressor.process(bytes(data)), compressor.finish)


def _lz4_out() -> Packer:
    compressor: Any = lz4.frame.LZ4FrameCompressor()
    return _Packer(compressor.compress, compressor.flush, compressor.begin())


def _zstd_out() -> Packer:
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
    return _Packer(compressor.compress, compressor.flush)
