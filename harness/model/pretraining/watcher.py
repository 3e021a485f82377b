"""What a pre-training tells of itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StepReport:
    """Where a training is after a step."""

    epoch: int
    """From 1."""
    epochs: int
    step: int
    """Steps taken, of all epochs."""
    steps: int
    loss: float
    """Mean over the epoch so far."""
    step_seconds: float
    """Mean in this process, with everything around the steps."""

    @property
    def seconds_left(self) -> float:
        """Return the time that the other steps will take."""
        return self.step_seconds * (self.steps - self.step)


class Watcher(Protocol):
    """Is told how a training goes."""

    def said(self, text: str) -> None:
        """Take a line worth keeping."""

    def stepped(self, report: StepReport) -> None:
        """Take the state after a step."""


class Silent:
    """Does not care."""

    def said(self, text: str) -> None:
        """Do nothing."""

    def stepped(self, report: StepReport) -> None:
        """Do nothing."""
