"""What is sampled each second, one file a reading: each module's ``READING``, and plug-ins'.

A new file here is all that a new reading takes (docs: Extending the lab).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from harness import plugins
from harness.readings.declared import (
    BetweenTicks,
    Column,
    Command,
    EachTick,
    KernelFile,
    SampledReading,
)
from harness.readings.own_columns import OWN_COLUMNS


@cache
def own_readings() -> tuple[SampledReading, ...]:
    """Return the readings of this package, in the order of their files' names."""
    return tuple(plugins.own_objects(__name__, __path__, "READING"))


def sections_of(reading: SampledReading) -> tuple[str, ...]:
    """Return the names of the sections that a reading adds to the sampler's file."""
    return (reading.name,) if isinstance(reading, Command | KernelFile) else ()


@cache
def readings() -> tuple[SampledReading, ...]:
    """Return all readings: this package's, then those of plug-ins."""
    return tuple(plugins.extended(plugins.READINGS, own_readings(), _problem))


def _problem(reading: Any, loaded: Sequence[SampledReading]) -> str:
    """Return why an object cannot be one more reading; empty if it can."""
    if not isinstance(reading, EachTick | BetweenTicks | KernelFile | Command):
        return f"{reading!r} is no reading (EachTick, BetweenTicks, KernelFile or Command)"
    if isinstance(reading, Command) and reading.every_s is None:
        return f"{reading.name}: only the battery is asked each period; give every_s"
    taken = {column.name for column in OWN_COLUMNS}
    taken |= {column.name for known in loaded for column in known.columns}
    sections = {name for known in loaded for name in sections_of(known)}
    for what, names, used in (
        ("column", [column.name for column in reading.columns], taken),
        ("section", sections_of(reading), sections),
    ):
        again = sorted(set(names) & used)
        if again:
            return f"there is a {what} {again[0]} already"
    return ""


def columns() -> tuple[Column, ...]:
    """Return the columns of all readings."""
    return tuple(column for reading in readings() for column in reading.columns)
