"""What an update weighs by each way of sending it: one table of bytes.

    script/bench bytes BEFORE.npz AFTER.npz

The files are two models of one training, such as those of two rounds of a federated run
(``tasks/model-*/checkpoint.npz``). Trained layers alone are the variables that differ. zstd is at
level 3; shuffled: the first bytes of all numbers, then the second ones, and so on. Lost is the
root of the mean square of what the difference lost, by the difference.
"""

from __future__ import annotations

import argparse
import math
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from harness.compression.chosen import chosen
from harness.compression.packed import pack
from harness.compression.shuffled import Shuffled
from harness.contract.wire import Wire
from harness.trainer.npz import opened_weights

Floats = npt.NDArray[np.float32]
_WIRES: list[dict[str, Any]] = [
    {"format": "S1E5M10"},
    {"format": "S1E4M14"},
    {"format": "S1E3M7"},
    {"format": "S1E2M3"},
    {"format": "int8", "per": "column"},
    {"format": "int6", "per": "column"},
    {"format": "int4", "per": "column"},
]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    asked = parser.parse_args()
    with opened_weights(asked.before) as before, opened_weights(asked.after) as after:
        old = {name: before.read(name) for name in before.shapes}
        new = {name: after.read(name) for name in after.shapes}
    trained = [name for name in new if not np.array_equal(new[name], old[name])]
    moved = {name: new[name] - old[name] for name in trained}
    whole = sum(value.nbytes for value in new.values())
    rows: list[tuple[str, int, float]] = [
        ("float32, all variables", whole, 0.0),
        ("float32, trained layers", sum(new[name].nbytes for name in trained), 0.0),
        ("zstd of weights", sum(_zstd(new[name]) for name in trained), 0.0),
        ("zstd of differences", sum(_zstd(value) for value in moved.values()), 0.0),
        ("the same, shuffled", sum(_zstd(_shuffled(value)) for value in moved.values()), 0.0),
        ("deflate of these", sum(_deflated(value) for value in moved.values()), 0.0),
    ]
    shapes = {name: value.shape for name, value in new.items()}
    rows += [_packed(moved, shapes, Wire(**words)) for words in _WIRES]
    print(f"{'way':<28} {'bytes':>12} {'of float32':>11} {'lost':>8}")
    for name, size, lost in rows:
        print(f"{name:<28} {size:12,} {size / whole:11.1%} {lost:8.2%}")
    return 0


def _packed(
    moved: dict[str, Floats], shapes: dict[str, tuple[int, ...]], wire: Wire
) -> tuple[str, int, float]:
    small, size, lost, whole = set(chosen(shapes, wire)), 0, 0.0, 0.0
    for name, value in moved.items():
        whole += float((value.astype(np.float64) ** 2).sum())
        if name not in small:
            size += value.nbytes
            continue
        packed = pack(value, wire, name)
        size += len(packed.data)
        lost += float(((packed.value() - value).astype(np.float64) ** 2).sum())
    name = f"{wire.format} of differences"
    return name, size, math.sqrt(lost / whole) if whole else 0.0


def _zstd(value: npt.NDArray[Any]) -> int:
    return len(zstandard.compress(np.ascontiguousarray(value).tobytes(), 3))


def _deflated(value: Floats) -> int:
    """Return the bytes that ``format: float32`` takes on the wire."""
    return len(zlib.compress(Shuffled().encode(value), 1))


def _shuffled(value: Floats) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(value).reshape(-1).view(np.uint8).reshape(-1, 4).T


if __name__ == "__main__":
    sys.exit(main())
