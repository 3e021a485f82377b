"""The phone's RAM as numbers (pure): MemAvailable from what is held, meminfo, and zram.

One rule: MemAvailable = the profile's idle figure - what the phone's processes hold (resident minus
shared pages) - declared RAM (packed pages at their packed size), never below 0. All other lines
only have to agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass

KB_PER_MB = 1024
# A kernel keeps a share of the built-in RAM for itself and its firmware: MemTotal of phones in
# saved meminfo files is 0.93 to 0.96 of the sold size.
_KERNEL_SHARE = 0.045
_FREE_FLOOR = 0.012
_FREE_OF_AVAILABLE = 0.35


@dataclass(frozen=True)
class MemoryPlan:
    """What never changes of a phone's RAM, in KiB.

    Args:
        total_kb: MemTotal.
        idle_available_kb: MemAvailable when nothing but the system runs.
        swap_kb: Size of zram.
    """

    total_kb: int
    idle_available_kb: int
    swap_kb: int

    @staticmethod
    def of(ram_total_mb: float, idle_available_mb: float) -> MemoryPlan:
        """Return the plan of a phone with this much built-in and this much idle RAM (MiB)."""
        total = int(ram_total_mb * (1 - _KERNEL_SHARE)) * KB_PER_MB
        idle = min(int(idle_available_mb * KB_PER_MB), total)
        return MemoryPlan(total, idle, min(total // 2, 4 * KB_PER_MB * KB_PER_MB))

    def available_kb(self, processes_kb: int, ballast_kb: int) -> int:
        """Return MemAvailable with this much held by processes and charged for declared RAM."""
        return max(0, self.idle_available_kb - processes_kb - ballast_kb)


def meminfo(plan: MemoryPlan, processes_kb: int, ballast_kb: int, swapped_kb: int = 0) -> bytes:
    """Return the whole of /proc/meminfo, always of one length: it is overwritten in place."""
    values = meminfo_kb(plan, processes_kb, ballast_kb, swapped_kb)
    return "".join(f"{name + ':':<16}{kb:>11d} kB\n" for name, kb in values.items()).encode()


def meminfo_kb(
    plan: MemoryPlan, processes_kb: int, ballast_kb: int, swapped_kb: int = 0
) -> dict[str, int]:
    """Return the figures of /proc/meminfo by their names, in its order.

    Source of the lines and their order: proc(5), kernels 4.14 of Android 10.
    """
    held = processes_kb + ballast_kb
    available = plan.available_kb(processes_kb, ballast_kb)
    floor = int(plan.total_kb * _FREE_FLOOR)
    free = max(floor, int(available * _FREE_OF_AVAILABLE))
    file_pages = max(floor, available - free + floor)
    buffers = min(12_288, file_pages // 8)
    system = plan.total_kb - plan.idle_available_kb
    slab = min(system // 6, 280_000)
    stacks = min(system // 40, 40_000)
    tables = min(system // 30, 52_000)
    anon = min(system // 3 + held, plan.total_kb - free)
    shmem = 6_144
    cached = file_pages - buffers
    return {
        "MemTotal": plan.total_kb,
        "MemFree": free,
        "MemAvailable": available,
        "Buffers": buffers,
        "Cached": cached,
        "SwapCached": 0,
        "Active": anon * 7 // 10 + cached // 2,
        "Inactive": anon * 3 // 10 + cached // 2,
        "Active(anon)": anon * 7 // 10,
        "Inactive(anon)": anon * 3 // 10,
        "Active(file)": cached // 2,
        "Inactive(file)": cached // 2,
        "Unevictable": 4_096,
        "Mlocked": 4_096,
        "SwapTotal": plan.swap_kb,
        "SwapFree": max(0, plan.swap_kb - swapped_kb),
        "Dirty": 512,
        "Writeback": 0,
        "AnonPages": anon,
        "Mapped": min(cached, 420_000),
        "Shmem": shmem,
        "Slab": slab,
        "SReclaimable": slab * 2 // 5,
        "SUnreclaim": slab - slab * 2 // 5,
        "KernelStack": stacks,
        "PageTables": tables,
        "CommitLimit": plan.total_kb // 2 + plan.swap_kb,
        "Committed_AS": system + held,
        "VmallocTotal": 263_061_440,
        "VmallocUsed": 0,
    }


# -- zram: swap into packed RAM ----------------------------------------------------------------
#
# A model, of apps with declared RAM only; a real process's pages are the host's affair. Android
# packs the pages of cached apps soon after they go to the background (AOSP ``CachedAppOptimizer``,
# since 10), and zram keeps a page that doesn't pack as it is. So ballast of random bytes is never
# touched here: packing it would gain nothing.

ZRAM_RATIO = 3
"""Assumed: packed pages take a third of their size."""

COMPRESSIBLE_SHARE = 0.6
"""Assumed: the part of an app's RAM that packs; the rest is code, graphics, packed media."""

_OUT_KB_PER_S = 96 * 1024
_IN_KB_PER_S = 512 * 1024


def charged_kb(declared_kb: int, swapped_kb: int) -> int:
    """Return the RAM that an app takes with this much of it packed."""
    return declared_kb - swapped_kb + swapped_kb // ZRAM_RATIO


def swapped_after(
    swapped_kb: int, packs_kb: int, *, background: bool, free_kb: int, seconds: float
) -> int:
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
