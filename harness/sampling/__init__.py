"""The one-second sampling loop on the phone and the host that follows it; for the lab.

``loop.sh`` runs on the phone. ``Sampler`` (setup, start, stop, teardown) puts it there and follows;
``frames``, ``samples`` and ``rows`` are pure: bytes -> frames -> numbers -> ``samples.parquet``.
"""

from harness.sampling.rows import Collected, PhaseInterval, collect, phase_intervals
from harness.sampling.sampler import Sampler, SamplingError
from harness.sampling.samples import Series, read_series
from harness.sampling.settings import SamplerSettings

__all__ = [
    "Collected",
    "PhaseInterval",
    "Sampler",
    "SamplerSettings",
    "SamplingError",
    "Series",
    "collect",
    "phase_intervals",
    "read_series",
]
