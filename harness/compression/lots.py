"""Lots that need no generator: the same for the same text and place, in any order, anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Key:
    """What a draw begins with: the first 64 bits of a SHA-256, little-endian."""

    low: int
    high: int

    @classmethod
    def of(cls, text: str) -> Key:
        """Return that of a text."""
        digest = hashlib.sha256(text.encode()).digest()
        return cls(int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little"))

    @property
    def seed(self) -> int:
        """24 bits of it: a seed for lots that are drawn elsewhere."""
        return self.low & 0xFFFFFF

    def lots(self, begin: int, count: int) -> npt.NDArray[np.uint32]:
        """Return evenly spread 32-bit numbers for the places from ``begin`` on.

        The mixing is that of C. Wellons' lowbias32 over place times the golden ratio, with the
        other half of the key put in between.
        """
        x = np.arange(begin, begin + count, dtype=np.uint32)
        x *= np.uint32(0x9E3779B1)
        x += np.uint32(self.low)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= np.uint32(self.high)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
        return x


def drawn(names: Iterable[str], share: float, draw: str) -> list[str]:
    """Return the share of names that is drawn: those with the smallest SHA-256 of draw and name.

    Args:
        names: All; each is in it once.
        share: 0 to 1; the count is rounded, halves up.
        draw: Seed, round and client, for example ``1:0:3``.
    """
    pool = list(names)
    count = int(share * len(pool) + 0.5)
    lots = {name: hashlib.sha256(f"{draw}:{name}".encode()).digest() for name in pool}
    return sorted(sorted(pool, key=lots.__getitem__)[:count])
