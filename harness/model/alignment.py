"""Where a flatbuffer's data begin: TFLite's schema has ``Buffer.data`` at multiples of 16 bytes.

Kernels may read data as vectors of that size. Source: tensorflow/compiler/mlir/lite/schema/
schema.fbs, ``data:[ubyte] (force_align: 16)``.
"""

from __future__ import annotations

from typing import Any, Final

DATA_ALIGNMENT: Final = 16

_DATA_FIELD: Final = 4
"""Of the table ``Buffer``, in its table of offsets: its first field."""


def misaligned(model: Any) -> int:
    """Return how many of a model's (``schema.Model``) data buffers begin elsewhere."""
    return sum(
        bool(buffer.DataLength()) and _start(buffer) % DATA_ALIGNMENT != 0
        for buffer in (model.Buffers(n) for n in range(model.BuffersLength()))
    )


def _start(buffer: Any) -> int:
    """Return where a buffer's data begin in the file, in bytes."""
    table = buffer._tab
    return int(table.Vector(table.Offset(_DATA_FIELD)))
