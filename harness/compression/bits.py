"""Codes of a few bits in bytes, the lowest bit first.

Bit ``i * bits`` of the little-endian whole is the lowest of code ``i``; what is left of the last
byte is zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.compression.errors import BadCodeError, WrongLengthError

Codes = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]
_GROUP = 8
"""So many codes fill whole bytes, however many bits they have."""
_WORD = 64


def packed_size(count: int, bits: int) -> int:
    """Return the bytes of so many codes."""
    return (count * bits + 7) // 8


def pack_bits(codes: Codes, bits: int) -> Bytes:
    """Put codes into bytes.

    Args:
        codes: Each below ``2**bits``; one axis.
        bits: 1 to 32.

    Raises:
        BadCodeError: A code has more bits.
    """
    if codes.size and int(codes.max()) >> bits:
        raise BadCodeError(f"a code of {bits} bits is {int(codes.max())}")
    groups = -(-codes.size // _GROUP)
    columns = np.zeros((_GROUP, groups), np.uint64)
    whole = codes.size // _GROUP
    columns[:, :whole] = codes[: whole * _GROUP].reshape(whole, _GROUP).T
    columns[: codes.size - whole * _GROUP, whole:] = codes[whole * _GROUP :, None]
    words = np.zeros((-(-_GROUP * bits // _WORD), groups), "<u8")
    for place in range(_GROUP):
        word, shift = divmod(place * bits, _WORD)
        words[word] |= columns[place] << np.uint64(shift)
        if shift + bits > _WORD:
            words[word + 1] |= columns[place] >> np.uint64(_WORD - shift)
    loose = np.ascontiguousarray(words.T).view(np.uint8).reshape(groups, words.shape[0] * 8)
    return loose[:, :bits].reshape(-1)[: packed_size(codes.size, bits)]


def unpack_bits(data: Bytes, bits: int, count: int) -> Codes:
    """Take codes out of bytes.

    Args:
        data: As `pack_bits` makes it.
        bits: 1 to 32.
        count: How many codes there are.

    Raises:
        WrongLengthError: So many codes need more or fewer bytes.
        BadCodeError: Bits are set behind the last code.
    """
    if data.size != packed_size(count, bits):
        raise WrongLengthError(
            f"{count} codes of {bits} bits take {packed_size(count, bits)} bytes, not {data.size}"
        )
    if count * bits % 8 and int(data[-1]) >> (count * bits % 8):
        raise BadCodeError("bits are set behind the last code")
    groups = -(-count // _GROUP)
    width = -(-_GROUP * bits // _WORD)
    loose = np.zeros((groups, width * 8), np.uint8)
    whole = data.size // bits
    loose[:whole, :bits] = data[: whole * bits].reshape(whole, bits)
    loose[whole:, : data.size - whole * bits] = data[whole * bits :]
    words = np.ascontiguousarray(loose.view("<u8").T)
    mask = np.uint64((1 << bits) - 1)
    codes = np.empty((groups, _GROUP), np.uint32)
    for place in range(_GROUP):
        word, shift = divmod(place * bits, _WORD)
        column = words[word] >> np.uint64(shift)
        if shift + bits > _WORD:
            column = column | words[word + 1] << np.uint64(_WORD - shift)
        codes[:, place] = column & mask
    return codes.reshape(-1)[:count]
