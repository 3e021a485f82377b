"""``/proc/meminfo``. Source: proc(5); Android kernels add lines such as ``ION_heap``."""

from __future__ import annotations

import re
from typing import Annotated

from harness.readings.base import NotedReading, Unread, clean, lines
from harness.readings.bounds import MEMORY_KB
from harness.readings.errors import ReadingError

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9_()]{0,40}):\s{0,40}([0-9]{1,18})(?: kB)?\s{0,40}")


class ProcMeminfo(NotedReading):
    """Memory of the phone as its kernel counts it, in KiB."""

    total_kb: Annotated[int | None, MEMORY_KB] = None
    free_kb: Annotated[int | None, MEMORY_KB] = None
    available_kb: Annotated[int | None, MEMORY_KB] = None
    """Kernels before 3.14 do not have it."""
    buffers_kb: Annotated[int | None, MEMORY_KB] = None
    cached_kb: Annotated[int | None, MEMORY_KB] = None
    anon_kb: Annotated[int | None, MEMORY_KB] = None
    swap_total_kb: Annotated[int | None, MEMORY_KB] = None
    swap_free_kb: Annotated[int | None, MEMORY_KB] = None
    values_kb: dict[str, int]
    """All lines by the kernel's own names."""


_FIELDS = {
    "total_kb": "MemTotal",
    "free_kb": "MemFree",
    "available_kb": "MemAvailable",
    "buffers_kb": "Buffers",
    "cached_kb": "Cached",
    "anon_kb": "AnonPages",
    "swap_total_kb": "SwapTotal",
    "swap_free_kb": "SwapFree",
}


def parse_proc_meminfo(text: str | bytes) -> ProcMeminfo:
    """Read ``/proc/meminfo``.

    Raises:
        ReadingError: Not one of the lines that every kernel has.
    """
    values: dict[str, int] = {}
    unread = Unread()
    for line in lines(text):
        if (match := _LINE.fullmatch(line)) is not None:
            values.setdefault(match[1], int(match[2]))
        elif line.strip():
            unread.add(line)
    if not values.keys() & set(_FIELDS.values()):
        raise ReadingError("proc_meminfo", "no memory line", clean(text[:160]))
    known = {field: values.get(name) for field, name in _FIELDS.items()}
    notes = unread.notes()
    total = values.get("MemTotal")
    for field in ("available_kb", "free_kb"):
        value = known[field]
        if total and value is not None and value > total:
            notes = (*notes, f"{field}: {value} KiB is more than MemTotal ({total} KiB)")
            known[field] = None
    return ProcMeminfo.model_validate({**known, "values_kb": values, "notes": notes})
