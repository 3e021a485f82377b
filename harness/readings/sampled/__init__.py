"""What is sampled each second, one file a reading: each module's ``READING``, and plug-ins'.

A new file here is all that a new reading takes (docs: Extending the lab).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.readings.declared import Column, Command, KernelFile, SampledReading


@cache
def own_readings() -> tuple[SampledReading, ...]:
    """Return the readings of this package, in the order of their files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").READING for name in names)


def sections_of(reading: SampledReading) -> tuple[str, ...]:
    """Return the names of the sections that a reading adds to the sampler's file."""
    return (reading.name,) if isinstance(reading, Command | KernelFile) else ()


@cache
def readings() -> tuple[SampledReading, ...]:
    """Return all readings: this package's, then those of plug-ins."""
    return own_readings()


def columns() -> tuple[Column, ...]:
    """Return the columns of all readings."""
    return tuple(column for reading in readings() for column in reading.columns)
