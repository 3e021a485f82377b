"""How soon a training came to a loss: the first epoch whose mean loss is as low (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.results.model import AttemptResult


@dataclass(frozen=True)
class Reached:
    """What a training took until its loss was as low."""

    epoch: int
    steps: int | None
    """Until the end of that epoch; None where an older result does not say it."""
    seconds: float
    """Of steps; evaluations are left out."""


def lowest_loss(result: AttemptResult) -> float | None:
    """Return the lowest mean loss of an epoch; None where no epoch was trained."""
    return min((loss for e in result.epochs if (loss := e.train_loss) is not None), default=None)


def reached(result: AttemptResult, loss: float) -> Reached | None:
    """Return when a training came to a loss; None if it never did."""
    seconds = 0.0
    for epoch in result.epochs:
        seconds += epoch.train_seconds
        if epoch.train_loss is not None and epoch.train_loss <= loss:
            return Reached(epoch.epoch, epoch.steps, seconds)
    return None
