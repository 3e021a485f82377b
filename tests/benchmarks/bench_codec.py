"""Seconds to write 30 million weights small and to read them back, beside numpy's float16.

    script/bench codec [--weights 30000000] [--repeat 3]

One core. ``astype(float16)`` and back is what numpy itself can do; a ratio is of the CPU seconds to
its. Bytes count what stands before the codes too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.compression.packed import pack
from harness.contract.wire import Wire

_COLUMNS = 2000
_WIRES: list[dict[str, Any]] = [
    {"format": "S1E5M10"},
    {"format": "S1E4M14"},
    {"format": "S1E3M7"},
    {"format": "S1E3M7", "rounding": "nearest_even"},
    {"format": "S1E3M7", "transform": True},
    {"format": "S1E2M3"},
    {"format": "S1E2M3", "transform": True},
    {"format": "int8", "per": "column"},
    {"format": "int6"},
    {"format": "int4", "per": "row"},
]


def main() -> int:
    """Measure, and say whether each way takes less than the seconds that are allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=int, default=30_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most", type=float, default=2.0, help="seconds, there and back")
    asked = parser.parse_args()
    rows = max(1, asked.weights // _COLUMNS)
    weights = np.random.default_rng(0).normal(0, 0.05, (rows, _COLUMNS)).astype(np.float32)
    limit, _ = _least(lambda: weights.astype(np.float16).astype(np.float32), asked.repeat)
    print(f"{weights.size:,} weights; astype(float16) and back {limit:.2f} s of CPU")
    print(f"{'way':<32} {'pack s':>7} {'unpack s':>9} {'ratio':>6} {'bytes':>7} {'error':>8}")
    slow = False
    for words in _WIRES:
        wire = Wire(**words)
        there, packed = _least(lambda wire=wire: pack(weights, wire, "bench"), asked.repeat)  # type: ignore[misc]
        back, value = _least(packed.value, asked.repeat)
        error = float(np.sqrt(np.mean((value - weights) ** 2) / np.mean(weights**2)))
        name = " ".join([wire.format, *(str(words[k]) for k in words if k not in ("format",))])
        name = name.replace("True", "scale+bias")
        share = len(packed.data) / weights.nbytes
        ratio = (there + back) / limit
        print(f"{name:<32} {there:7.2f} {back:9.2f} {ratio:6.1f} {share:7.1%} {error:8.2%}")
        slow |= there + back > asked.most
    return 1 if slow else 0


def _least(work: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    times = []
    for _ in range(repeat):
        begun = time.process_time()
        result = work()
        times.append(time.process_time() - begun)
    return min(times), result


if __name__ == "__main__":
    sys.exit(main())
