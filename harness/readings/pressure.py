"""``/proc/pressure/{memory,cpu,io}``: pressure stall information.

Source: the kernel's Documentation/accounting/psi.rst. Most phones deny it to the shell user.
"""

from __future__ import annotations

import re

from harness.readings.base import NotedReading, Reading, Unread, clean, decimal, lines
from harness.readings.bounds import PERCENT
from harness.readings.errors import ReadingError

_LINE = re.compile(
    r"\s*(some|full) avg10=([0-9.,]{1,12}) avg60=([0-9.,]{1,12}) "
    r"avg300=([0-9.,]{1,12}) total=([0-9]{1,18})"
)


class Stall(Reading):
    """Share of time in which some (or all) tasks stood still, in percent."""

    avg10_percent: float
    avg60_percent: float
    avg300_percent: float
    total_us: int


class Pressure(NotedReading):
    """One file of ``/proc/pressure``."""

    some: Stall | None = None
    full: Stall | None = None


def parse_pressure(text: str | bytes) -> Pressure:
    """Read one file of ``/proc/pressure``.

    Raises:
        ReadingError: Neither a ``some`` nor a ``full`` line.
    """
    found: dict[str, Stall] = {}
    unread = Unread()
    for line in lines(text):
        match = _LINE.match(line)
        averages = [decimal(value) for value in match.groups()[1:4]] if match else []
        if match is None or not all(a is not None and PERCENT.hold(a) for a in averages):
            if line.strip():
                unread.add(line)
            continue
        names = ("avg10_percent", "avg60_percent", "avg300_percent")
        stall = Stall.model_validate(
            {**dict(zip(names, averages, strict=True)), "total_us": int(match[5])}
        )
        found.setdefault(match[1], stall)
    if not found:
        raise ReadingError("pressure", "no stall line", clean(text[:160]))
    return Pressure(some=found.get("some"), full=found.get("full"), notes=unread.notes())
