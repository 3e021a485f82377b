"""Checkpoints (.npz) that each trainer has to take or to refuse, as base64."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.compression.packed import pack
from harness.contract.wire import Wire
from harness.trainer.small import CODES_SUFFIX, LIST, listed

_CODES = "w" + CODES_SUFFIX
WEIGHTS = np.array([[1.5, -2.0, 0.25], [0.0, 3.0, -0.125]], np.float32)
_SHAPE_IN_HEADER = b"'shape': (2, 3), }"
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
_FLAGS, _METHOD = 0, 2
"""Places after those that both kinds of zip headers begin with (6 and 8 bytes)."""
_DEFLATE64 = 9


def checkpoints() -> dict[str, list[dict[str, Any]]]:
    """Return cases: what is taken with its weights, and what is refused."""
    return {
        "taken": [
            {
                "case": case,
                "content": _base64(content),
                "shape": list(WEIGHTS.shape),
                "weights": WEIGHTS.ravel().tolist(),
            }
            for case, content in _taken().items()
        ],
        "refused": [
            {"case": case, "content": _base64(content)} for case, content in _refused().items()
        ],
    }


def _taken() -> dict[str, bytes]:
    return {
        "32-bit floats": _archive([("w.npy", _array(WEIGHTS))]),
        "64-bit floats": _archive([("w.npy", _array(WEIGHTS.astype("<f8")))]),
        "the other byte order": _archive([("w.npy", _array(WEIGHTS.astype(">f4")))]),
        "column after column": _archive([("w.npy", _array(np.asfortranarray(WEIGHTS)))]),
        "a header of version 2": _archive([("w.npy", _array(WEIGHTS, (2, 0)))]),
        "packed": _small([(_CODES, _packed()), (LIST, _list())]),
        "packed, its list first": _small([(LIST, _list()), (_CODES, _packed())]),
    }


def _refused() -> dict[str, bytes]:
    whole = _archive([("w.npy", _array(WEIGHTS))])
    values = WEIGHTS.tobytes()
    arrays = {
        "NaN": _array(_with(np.nan)),
        "infinity": _array(_with(np.inf)),
        "minus infinity": _array(_with(-np.inf)),
        "infinity and its opposite": _array(np.array([np.inf, -np.inf], np.float32)),
        "too large for 32 bits": _array(WEIGHTS.astype("<f8") + 1e300),
        "truth values": _array(WEIGHTS > 0),
        "complex numbers": _array(WEIGHTS.astype("<c8")),
        "whole numbers": _array(WEIGHTS.astype("<i4")),
        "16-bit floats": _array(WEIGHTS.astype("<f2")),
        "objects": _array(WEIGHTS).replace(b"'<f4'", b"'|O' "),
        "records": _array(np.zeros(3, [("a", "<f4")])),
        "words": _array(np.array(["one", "two"])),
        "a larger shape": _shape("(2, 4), }"),
        "a smaller shape": _shape("(2, 2), }"),
        "a shape below zero": _shape("(-2,-3)}"),
        "a shape beyond all memory": _shape("(9999999,9999999)}"),
        "a header of version 3": _array(WEIGHTS, (3, 0)),
        "no array": b"hello",
        "nothing": b"",
    }
    return {
        **{case: _archive([("w.npy", content)]) for case, content in arrays.items()},
        **{case: _small(entries) for case, entries in _bad_small().items()},
        "not named as an array": _archive([("w.txt", _array(WEIGHTS))]),
        "a folder": _archive([("w/", b"")]),
        "one name twice": _archive([("w.npy", _array(WEIGHTS)), ("w.npy", _array(WEIGHTS))]),
        "encrypted": _patched(whole, _FLAGS, 1),
        "an odd compression": _patched(whole, _METHOD, _DEFLATE64),
        "a damaged number": whole.replace(values, values[:-1] + bytes([values[-1] ^ 1])),
        "cut": whole[: len(whole) // 2],
        "without its list of entries": whole[: whole.index(_CENTRAL)],
        "text": b"hello",
        "empty": b"",
    }


def _packed() -> bytes:
    """Return the weights in a format that holds them exactly."""
    return pack(WEIGHTS, Wire(format="S1E5M10", rounding="nearest_even"), "").data


def _list(coding: str = "S1E5M10/fn", shape: tuple[int, ...] = (2, 3), name: str = "w") -> bytes:
    return listed({name: (coding, shape)}).encode()


def _bad_small() -> dict[str, list[tuple[str, bytes]]]:
    codes = _packed()
    return {
        "packed, without a list": [(_CODES, codes)],
        "packed, named by another name": [(_CODES, codes), (LIST, _list(name="v"))],
        "packed and not": [(_CODES, codes), ("w.npy", _array(WEIGHTS)), (LIST, _list())],
        "a list of what is not there": [("v.npy", _array(WEIGHTS)), (LIST, _list())],
        "packed in another shape": [(_CODES, codes), (LIST, _list(shape=(2, 4)))],
        "packed in a shape below zero": [(_CODES, codes), (LIST, _list(shape=(-2, -3)))],
        "packed beyond all memory": [(_CODES, codes), (LIST, _list(shape=(9999999, 9999999)))],
        "packed in no known way": [(_CODES, codes), (LIST, _list(coding="S1E9M6/fn"))],
        "packed in fewer bits": [(_CODES, codes), (LIST, _list(coding="S1E5M9/fn"))],
        "a code that is no number": [(_CODES, codes[:-1] + b"\x7f"), (LIST, _list("S1E5M10/ieee"))],
        "a list of a later version": [(_CODES, codes), (LIST, _list().replace(b": 1,", b": 2,"))],
        "a list that is none": [(_CODES, codes), (LIST, b"[]")],
        "a list that says more": [(_CODES, codes), (LIST, _list().replace(b"{", b'{"a": 1, ', 1))],
    }


def _small(entries: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            archive.writestr(info, content)
    return file.getvalue()


def _with(number: float) -> npt.NDArray[np.float32]:
    weights = WEIGHTS.copy()
    weights[1, 1] = number
    return weights


def _array(values: npt.NDArray[Any], version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, values, version)
    return file.getvalue()


def _shape(text: str) -> bytes:
    """Return the weights' array under another shape; the header keeps its length."""
    old = _SHAPE_IN_HEADER + b" " * 12
    array = _array(WEIGHTS)
    assert old in array
    return array.replace(old, f"'shape': {text}".encode().ljust(len(old)))


def _archive(entries: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a zip of entries, not compressed: the same bytes with any version of zlib."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for place, (name, content) in enumerate(entries):
            # zipfile warns of a name that is there already
            info = zipfile.ZipInfo(name if place == 0 else f"{place}.npy")
            info.create_system = 3
            archive.writestr(info, content)
    first = entries[0][0].encode()
    return file.getvalue().replace(b"1.npy", first) if len(entries) > 1 else file.getvalue()


def _patched(archive: bytes, place: int, number: int) -> bytes:
    """Return a zip with another flag or method in both headers of its only entry."""
    content = bytearray(archive)
    for signature, start in ((_LOCAL, 6), (_CENTRAL, 8)):
        struct.pack_into("<H", content, archive.index(signature) + start + place, number)
    return bytes(content)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
