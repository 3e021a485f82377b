"""Golden vectors of packed variables: what goes in, the bytes, and what comes out of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.compression.chosen import chosen
from harness.compression.kept import Units, place, select, units_mask
from harness.compression.lots import Key
from harness.compression.packed import Packed, coding_of, pack
from harness.contract.wire import Wire

_KEY = "7:3:us-male:up:fc1_kernel"
_FORMATS = ("S1E5M10", "S1E8M7", "S1E4M14", "S1E3M7", "S1E2M3", "S1E3M2", "S1E4M3", "S1E7M15")
_WIRES: list[dict[str, Any]] = [
    *({"format": name} for name in _FORMATS),
    *({"format": name, "rounding": "nearest_even"} for name in _FORMATS),
    *(
        {"format": name, "rounding": "nearest_away", "kind": "ieee", "exponent": "conventional"}
        for name in _FORMATS
    ),
    {"format": "S1E2M3", "transform": True, "exponent": "conventional"},
    {"format": "S1E2M3", "transform": True, "rounding": "nearest_even"},
    {"format": "S1E3M7", "transform": True, "subnormals": False},
    {"format": "S1E2M3", "subnormals": False, "exponent": "conventional", "kind": "ieee"},
    *(
        {"format": name, "per": per, "rounding": rounding}
        for name in ("int8", "int6", "int4")
        for per in ("tensor", "column", "row")
        for rounding in ("stochastic", "nearest_even", "nearest_away")
    ),
    {"format": "float32"},
]
_SHAPES = {
    "conv": (3, 7, 1, 16),
    "input": (2, 320, 512),
    "recurrent": (2, 128, 512),
    "bias": (2, 1, 512),
    "gamma": (16,),
    "fc": (256, 28),
    "scalar": (),
}
_BAD = [
    ("S1E2M3/fn", [4], "00" * 12 + "ff", "bits behind the last code, or a byte too many"),
    ("S1E2M3/fn", [4], "00" * 11, "a byte too few"),
    ("S1E2M3/fn", [3], "00" + "0000803f" + "00000000" + "0000fc", "bits behind the last code"),
    ("S1E2M3/ieee", [4], "00" + "0000803f" + "00000000" + "ffffff", "infinite"),
    ("S1E2M3/fn", [4], "7f" + "0000803f" + "00000000" + "000000", "moved too far"),
    ("S1E2M3/fn", [4], "00" + "0000c07f" + "00000000" + "000000", "a scale that is NaN"),
    ("S1E8M7/fn", [1], "00" + "0000803f" + "00000000" + "807f", "beyond float32"),
    ("int8/tensor", [2], "0000803f" + "8000", "there is no -128"),
    ("int4/tensor", [2], "0000803f" + "08", "there is no -8"),
    ("int8/tensor", [2], "0000807f" + "0101", "an infinite scale"),
    ("int8/column", [2, 2], "0000803f" + "01010101", "a scale is missing"),
    ("S1E9M3/fn", [4], "00" * 16, "no format"),
    ("S1E2M16/fn", [4], "00" * 20, "no format"),
    ("int5/tensor", [4], "00" * 8, "no format"),
    ("float32/shuffled", [2], "00" * 7, "a byte too few"),
    ("float32/shuffled", [1], "0000807f", "infinite"),
    ("float32", [1], "00" * 4, "it does not say how its bytes lie"),
    ("int8", [4], "00" * 8, "it does not say what has a scale"),
]


def codec() -> dict[str, Any]:
    """Return the vectors."""
    return {
        "packed": [_case(n, wire) for n, wire in enumerate(_WIRES)] + _edges(),
        "bad": [
            {"coding": coding, "shape": shape, "data": data, "why": why}
            for coding, shape, data, why in _BAD
        ],
        "lots": [
            {
                "key": text,
                "begin": begin,
                "lots": Key.of(text).lots(begin, 6).tolist(),
                "seed": Key.of(text).seed,
            }
            for text in ("", _KEY, "ü:1")
            for begin in (0, 5, 2**31 - 2, 2**32 - 6)
        ],
        "chosen": [_chosen(share, draw) for share in (0.4, 0.9, 1.0) for draw in ("1:0:a", "1:1:a")]
        + [_chosen(0.5, "1:0:b", variables="all")],
        "wires": [{"wire": wire, "coding": coding_of(Wire(**wire))} for wire in _WIRES],
        "bad_wires": [
            {"format": "S1E1M3"},
            {"format": "float16"},
            {"format": "S1E3M7", "per": "column"},
            {"format": "int8", "transform": True},
            {"format": "int8", "kind": "ieee"},
            {"format": "int8", "exponent": "conventional"},
            {"format": "int8", "subnormals": False},
            {"format": "int8", "share": 0},
            {"format": "int8", "share": 1.5},
            {"format": "int8", "rounding": "toward_zero"},
            {"format": "int8", "surprise": 1},
            {"share": 0.5},
        ],
        "kept": [
            _kept(shape, units, kept)
            for shape, units, kept in (
                ((3, 10), "columns", (0, 8, 9)),
                ((3, 10), "rows", (2, 0)),
                ((2, 4, 3), "columns", (1,)),
                ((2, 4, 3), "rows", (3, 1)),
                ((2, 2, 3, 4), "rows", ()),
                ((9, 1), "rows", (8, 2, 5)),
            )
        ],
        "bad_masks": [
            {"mask": mask, "units": units}
            for mask, units in (("01", 9), ("ff", 3), ("", 1), ("0100", 8))
        ],
    }


def _kept(shape: tuple[int, ...], units: Units, kept: tuple[int, ...]) -> dict[str, Any]:
    value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    part = select(value, units, kept)
    whole = place(part, units, kept, np.full_like(value, -1))
    count = shape[-1 if units == "columns" else -2]
    return {
        "shape": list(shape),
        "units": units,
        "kept": list(kept),
        "mask": units_mask(kept, count).hex(),
        "part": part.ravel().tolist(),
        "part_shape": list(part.shape),
        "whole": whole.ravel().tolist(),
    }


def _case(seed: int, wire: dict[str, Any]) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shape = ((5, 7), (2, 3, 4), (3, 2, 1, 6), (17,))[seed % 4]
    scale = (0.05, 1.0, 40.0, 1e-4)[seed // 4 % 4]
    value = rng.normal(0, scale, shape).astype(np.float32)
    value.reshape(-1)[::5] = 0
    return _packed(value, wire)


def _edges() -> list[dict[str, Any]]:
    tiny = np.array([1e-45, -1e-40, 1.2e-38, 0.0, -0.0], np.float32)
    huge = np.array([3.4e38, -1e38, 1.0, 1e-30], np.float32)
    long = np.random.default_rng(9).normal(0, 1, 5000).astype(np.float32)  # more than one lane
    values = [tiny, huge, np.zeros((2, 3), np.float32), np.zeros((0, 4), np.float32)]
    values += [np.float32(0.3).reshape(()), np.full((3, 3), 0.01, np.float32)]
    wires = [
        {"format": "S1E2M3"},
        {"format": "S1E8M7", "rounding": "nearest_even"},
        {"format": "S1E5M2", "rounding": "nearest_away", "transform": True},
        {"format": "int8", "per": "column", "rounding": "nearest_even"},
    ]
    cases = [_packed(value, wire) for value in values for wire in wires]
    return [*cases, _packed(long, {"format": "S1E3M2", "transform": True}, brief=True)]


def _packed(value: Any, wire: dict[str, Any], *, brief: bool = False) -> dict[str, Any]:
    packed = pack(value, Wire(**wire), _KEY)
    decoded = Packed(packed.coding, packed.shape, packed.data).value()
    return {
        "wire": wire,
        "key": _KEY,
        "shape": list(value.shape),
        "values": value.astype("<f4").tobytes().hex(),
        "data": packed.data.hex(),
        "decoded": None if brief else decoded.astype("<f4").tobytes().hex(),
    }


def _chosen(share: float, draw: str, **more: Any) -> dict[str, Any]:
    wire = {"format": "S1E3M7", "share": share, "draw": draw, **more}
    shapes = {name: list(shape) for name, shape in _SHAPES.items()}
    return {"wire": wire, "shapes": shapes, "chosen": chosen(_SHAPES, Wire(**wire))}
