"""Swap into packed RAM (pure): what it takes of apps in the background, and what that gives back.

A model, of apps with declared RAM only; a real process's pages are the host's affair. Android packs
the pages of cached apps soon after they go to the background (AOSP ``CachedAppOptimizer``, since
10), and zram keeps a page that doesn't pack as it is. So ballast of random bytes is never touched
here: packing it would gain nothing.
"""

from __future__ import annotations

RATIO = 3
"""Assumed: packed pages take a third of their size."""

COMPRESSIBLE_SHARE = 0.6
"""Assumed: the part of an app's RAM that packs; the rest is code, graphics, packed media."""

_OUT_KB_PER_S = 96 * 1024
_IN_KB_PER_S = 512 * 1024


def charged_kb(declared_kb: int, swapped_kb: int) -> int:
    """Return the RAM that an app takes with this much of it packed."""
    return declared_kb - swapped_kb + swapped_kb // RATIO


def step(swapped_kb: int, packs_kb: int, *, background: bool, free_kb: int, seconds: float) -> int:
    """Return how much of an app is swapped after ``seconds``.

    Args:
        swapped_kb: How much was before.
        packs_kb: How much of it can be packed at all.
        background: It's cached; an app in use has its pages brought back.
        free_kb: Swap space left for it, beside what it has already.
        seconds: Time since then.
    """
    target = min(packs_kb, swapped_kb + max(0, free_kb)) if background else 0
    most = int((_OUT_KB_PER_S if target > swapped_kb else _IN_KB_PER_S) * max(0.0, seconds))
    return swapped_kb + max(-most, min(most, target - swapped_kb))
