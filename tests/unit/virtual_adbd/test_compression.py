"""Packing of pushes and pulls: whatever the pieces, the same bytes come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual.adbd import compression
from harness.virtual.adbd.compression import BROTLI, LZ4, ZSTD, BrokenStream

_FLAGS = pytest.mark.parametrize("flag", [BROTLI, LZ4, ZSTD])


def _packed(flag: int, pieces: list[bytes]) -> bytes:
    packer = compression.packer(flag)
    return b"".join(packer.pack(piece) for piece in pieces) + packer.finish()


@_FLAGS
@given(pieces=st.lists(st.binary(min_size=1, max_size=2000), max_size=6), cut=st.integers(1, 700))
def test_there_and_back_in_any_pieces(flag: int, pieces: list[bytes], cut: int) -> None:
    packed = _packed(flag, pieces)
    unpacker = compression.unpacker(flag)
    unpacked = [unpacker.unpack(packed[at : at + cut]) for at in range(0, len(packed), cut)]
    unpacker.finish()
    assert b"".join(unpacked) == b"".join(pieces)


@_FLAGS
def test_what_packs_gets_smaller(flag: int) -> None:
    assert len(_packed(flag, [bytes(1 << 20)])) < 20_000


@_FLAGS
def test_a_stream_cut_short_or_of_another_kind_is_told(flag: int) -> None:
    packed = _packed(flag, [bytes(range(256)) * 40])
    short = compression.unpacker(flag)
    short.unpack(packed[:-3])
    with pytest.raises(BrokenStream, match="too early"):
        short.finish()
    junk = compression.unpacker(flag)
    with pytest.raises(BrokenStream):
        junk.unpack(b"\xff" * 5000)
    more = compression.unpacker(flag)
    more.unpack(packed)
    with pytest.raises(BrokenStream, match="after the end"):
        more.unpack(b"more")


def test_nothing_at_all_is_an_empty_file() -> None:
    compression.unpacker(ZSTD).finish()
    with pytest.raises(KeyError):
        compression.unpacker(BROTLI | ZSTD)
