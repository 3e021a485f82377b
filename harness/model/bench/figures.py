"""What a benchmark of signatures finds (no tensorflow)."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """One contestant at one signature: seconds and MiB, measured in a process of its own."""

    contestant: str
    seconds: tuple[float, ...]
    """Of each step, the first left out."""
    cpu_seconds: tuple[float, ...]
    """Of all threads of the process in that step; waiting threads that spin count."""
    first_seconds: float
    """Of the first step, which traces, plans and allocates."""
    peak_mb: float
    """Highest RSS of the process (VmHWM)."""
    imported_mb: float
    """RSS after the imports, before the model."""
    values: tuple[float, ...]
    """The (mean) loss of each step, or a sum of what else came out; equal for all contestants."""

    @property
    def median_s(self) -> float:
        """Return the median step."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Ratio:
    """How long one contestant takes as a multiple of another, step by step in turn."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""


def ratio(numerator: Figures, denominator: Figures) -> Ratio:
    """Return ``one`` over ``other``; both stepped in turn, as often as each other."""
    ratios = [a / b for a, b in zip(numerator.seconds, denominator.seconds, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high)


def difference(first: Figures, second: Figures) -> float:
    """Return the largest relative difference of what the two computed."""
    return max(
        abs(a - b) / max(abs(a), abs(b), 1e-9)
        for a, b in zip(first.values, second.values, strict=True)
    )
