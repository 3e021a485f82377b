"""All bits of float32, so laid that they deflate well: nothing is lost.

Numbers of like size, such as small differences, have like first bytes. Beside each other these
take little; the last bytes of the mantissa take what they take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.compression.bits import Codes
from harness.compression.errors import NotFiniteError

Floats = npt.NDArray[np.float32]
SHUFFLED: Final = "float32/shuffled"
"""The coding."""
_BYTES: Final = 4


@dataclass(frozen=True)
class Shuffled:
    """The first bytes of all numbers (little-endian), then the second ones, and so on."""

    bits: int = 32

    def encode(self, value: Floats) -> bytes:
        """Return the bytes of numbers.

        Raises:
            NotFiniteError: One of them is NaN or infinite.
        """
        if not np.isfinite(value).all():
            raise NotFiniteError("NaN and infinite numbers cannot be written smaller")
        flat = np.ascontiguousarray(value, "<f4").reshape(-1)
        return flat.view(np.uint8).reshape(-1, _BYTES).T.tobytes()

    def codes(self, data: npt.NDArray[np.uint8]) -> Codes:
        """Return the bits of each number."""
        numbers = np.ascontiguousarray(data.reshape(_BYTES, -1).T)
        return numbers.view("<u4").reshape(-1).astype(np.uint32)

    def decode(self, data: npt.NDArray[np.uint8], shape: tuple[int, ...]) -> Floats:
        """Return the numbers."""
        return self.codes(data).view(np.float32).reshape(shape)
