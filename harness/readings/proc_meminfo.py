"""``/proc/meminfo``. Source: proc(5); Android kernels add lines such as ``ION_heap``."""

from __future__ import annotations

import re

from harness.readings.base import Reading, clean, lines
from harness.readings.errors import ReadingError

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9_()]{0,40}):\s{0,40}([0-9]{1,18})(?: kB)?\s{0,40}")


class ProcMeminfo(Reading):
    """Memory of the phone as its kernel counts it, in KiB."""

    total_kb: int | None = None
    free_kb: int | None = None
    available_kb: int | None = None
    """Kernels before 3.14 do not have it."""
    buffers_kb: int | None = None
    cached_kb: int | None = None
    anon_kb: int | None = None
    swap_total_kb: int | None = None
    swap_free_kb: int | None = None
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
    for line in lines(text):
        if (match := _LINE.fullmatch(line)) is not None:
            values.setdefault(match[1], int(match[2]))
    if not values.keys() & set(_FIELDS.values()):
        raise ReadingError("proc_meminfo", "no memory line", clean(text[:160]))
    known = {field: values.get(name) for field, name in _FIELDS.items()}
    return ProcMeminfo.model_validate({**known, "values_kb": values})
