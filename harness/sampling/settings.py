"""How a phone is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TRAINER_PACKAGE = "org.mobileasr.trainer"


@dataclass(frozen=True)
class SamplerSettings:
    """How one phone is sampled while an attempt runs.

    Raises:
        ValueError: The period is too short or too long.
    """

    package: str = TRAINER_PACKAGE
    """Process whose CPU and memory are sampled; found again when it restarts."""
    proc_dir: str = "/proc"
    """Where the phone's ``meminfo`` and ``stat`` lie."""
    period_s: float = 1.0
    """Seconds between two samples."""
    every_s: Mapping[str, float] = field(default_factory=dict)
    """Name of a reading by command -> seconds between two, where it is not the reading's own."""
    gather_s: float = 5.0
    """The phone hands its records over in pieces of so many seconds."""
    lease_s: float = 600.0
    """The loop ends by itself when it has not heard from this host for so long."""
    max_bytes: int = 1 << 29
    """The loop ends when its file is larger."""
    stop_limit_s: float = 60.0
    """How long stopping tries to reach a lost phone."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.period_s <= 3600:
            raise ValueError("period_s must lie between 0.1 and 3600")

    def periods(self, name: str, default_s: float) -> int:
        """Return how many periods lie between two runs of a command."""
        return max(1, round(self.every_s.get(name, default_s) / self.period_s))
