"""``/proc/pressure/{memory,cpu,io}``: pressure stall information.

Source: the kernel's Documentation/accounting/psi.rst. Most phones deny it to the shell user.
"""

from __future__ import annotations

import re

from harness.readings.base import Reading, clean, decimal, lines
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


class Pressure(Reading):
    """One file of ``/proc/pressure``."""

    some: Stall | None = None
    full: Stall | None = None


def parse_pressure(text: str | bytes) -> Pressure:
    """Read one file of ``/proc/pressure``.

    Raises:
        ReadingError: Neither a ``some`` nor a ``full`` line.
    """
    found: dict[str, Stall] = {}
    for line in lines(text):
        match = _LINE.match(line)
        if match is None:
            continue
        averages = [decimal(value) for value in match.groups()[1:4]]
        if averages[0] is None or averages[1] is None or averages[2] is None:
            continue
        stall = Stall(
            avg10_percent=averages[0],
            avg60_percent=averages[1],
            avg300_percent=averages[2],
            total_us=int(match[5]),
        )
        found.setdefault(match[1], stall)
    if not found:
        raise ReadingError("pressure", "no stall line", clean(text[:160]))
    return Pressure(some=found.get("some"), full=found.get("full"))
