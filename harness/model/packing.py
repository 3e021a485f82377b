"""An unpacked flatbuffer as the bytes of a file (no tensorflow)."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from harness.model.alignment import DATA_ALIGNMENT

_FIRST_BYTES = 1 << 20


def packed(model: Any) -> bytes:
    """Return the file of a model (``schema.ModelT``), its data aligned as the schema demands."""
    builder = _AligningBuilder(_FIRST_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc] # it has no types
    """Aligns vectors of bytes; the object API's ``Pack`` ignores the schema's ``force_align``."""

    def CreateNumpyVector(self, x: npt.NDArray[Any]) -> int:  # noqa: N802 - flatbuffers' name
        if x.dtype == np.uint8:
            self.Prep(DATA_ALIGNMENT, x.size)
        return int(super().CreateNumpyVector(x))
