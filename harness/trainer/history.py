"""What a job has come to so far, from its own event log (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.contract.events import Checkpoint, Epoch, Finished, Selected, Step, Stopped
from harness.contract.job import Keep, Stop
from harness.trainer.policies import Patience, start_patience


class History:
    """Epochs and checkpoints of a job, those of a killed process included.

    Args:
        events: What an earlier process of the same job wrote; empty at a first start.
        keep: Which epoch's checkpoint counts.
    """

    def __init__(self, events: Iterable[Any] = (), keep: Keep = "best") -> None:
        before = list(events)
        self._keep = keep
        self._saved = {e.epoch: e for e in before if isinstance(e, Checkpoint)}
        # An epoch that was evaluated but not saved is trained again; its event stands twice then.
        self.epochs = {
            e.epoch: e for e in before if isinstance(e, Epoch) and e.epoch <= self.last_saved
        }
        """By number; 0 = before training."""
        chosen = [e for e in before if isinstance(e, Selected)]
        self.selected: Selected | None = chosen[-1] if chosen and self.last_saved else None
        """The choice that the weights so far belong to."""
        steps = {(e.epoch, e.step) for e in before if isinstance(e, Step)}
        self.steps = sum(epoch <= self.last_saved for epoch, _ in steps)
        """Optimiser steps in the weights so far; those of an epoch that was lost do not count."""
        self.stopped = any(isinstance(e, Stopped) for e in before)
        self.finished = any(isinstance(e, Finished) for e in before)

    @property
    def last_saved(self) -> int:
        """The last epoch whose checkpoint is complete; 0 = none."""
        return max(self._saved, default=0)

    @property
    def last_checkpoint(self) -> Checkpoint | None:
        """The checkpoint of that epoch."""
        return self._saved.get(self.last_saved)

    @property
    def done(self) -> int:
        """The last epoch that counts."""
        return max(self.epochs)

    @property
    def kept(self) -> int:
        """The epoch whose checkpoint counts; 0 = none does."""
        return self.done if self._keep == "last" else self.best

    @property
    def best(self) -> int:
        """The epoch with the lowest WER, the earliest of equals; 0 = nothing got better."""
        return min(self.epochs, key=lambda epoch: (self.epochs[epoch].wer_percent, epoch))

    def is_best(self, wer_percent: float) -> bool:
        """Return whether an epoch with this WER would be better than all so far."""
        return all(wer_percent < earlier.wer_percent for earlier in self.epochs.values())

    def patience(self, stop: Stop) -> Patience:
        """Return the stop rule's state after all epochs so far; epoch 0 is the baseline."""
        patience = start_patience(stop.policy, stop.patience, self.epochs[0].wer_percent)
        for epoch in range(1, self.done + 1):
            patience = patience.after(self.epochs[epoch].wer_percent)
        return patience
