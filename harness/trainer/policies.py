"""The decisions of MobileASR's Algorithms 1 and 2, as pure functions.

Where the paper contradicts itself there are two named variants: ``as_printed`` does what the page
says, ``best_so_far`` what its text means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.contract.job import StopPolicy


def select_sub_model(
    available_mb: float, need_mb: Mapping[str, float], candidates: Sequence[str]
) -> str | None:
    """Return the first candidate that fits (Algorithm 1): ``available / need >= 1``.

    Args:
        available_mb: R_a, MemAvailable right before.
        need_mb: lambda of each candidate.
        candidates: In order of preference.

    Returns:
        None if nothing fits, a case that Algorithm 1 leaves undefined.
    """
    for candidate in candidates:
        if available_mb >= need_mb[candidate]:
            return candidate
    return None


def resources_allow(
    battery_percent: float | None,
    available_mb: float | None,
    *,
    battery_below_percent: float,
    available_below_mb: float,
) -> Literal["battery", "memory"] | None:
    """Return why the next epoch must not start: ``battery``, ``memory`` or None (Algorithm 2, 7).

    A reading that the phone did not give stops nothing.
    """
    if battery_percent is not None and battery_percent <= battery_below_percent:
        return "battery"
    if available_mb is not None and available_mb <= available_below_mb:
        return "memory"
    return None


@dataclass(frozen=True)
class Patience:
    """How long training goes on without getting better; one value an epoch through `after`.

    Attributes:
        policy: ``best_so_far``: an epoch that is not better than the best so far raises the count,
            a better one resets it. ``as_printed``: Algorithm 2, lines 11 to 17 as indented there:
            an epoch *at or under the last one's* WER raises the count, which is reset whenever it
            is still under ``patience``; the first comparison is with 0.
        patience: Epochs (p).
        count: Current count.
        reference: WER that the next epoch is compared with; None = nothing yet.
        stop: Training must end.
    """

    policy: StopPolicy
    patience: int
    count: int = 0
    reference: float | None = None
    stop: bool = False

    def after(self, wer_percent: float) -> Patience:
        """Return the state after an epoch with this WER."""
        if self.policy == "as_printed":
            return self._as_printed(wer_percent)
        if self.reference is None or wer_percent < self.reference:
            return Patience(self.policy, self.patience, 0, wer_percent)
        count = self.count + 1
        return Patience(self.policy, self.patience, count, self.reference, count >= self.patience)

    def _as_printed(self, wer_percent: float) -> Patience:
        past = 0.0 if self.reference is None else self.reference
        count, stop = self.count, False
        if wer_percent <= past:
            count += 1
            if count >= self.patience:
                stop = True
            else:
                count = 0
        return Patience(self.policy, self.patience, count, wer_percent, stop)


def start_patience(policy: StopPolicy, patience: int, baseline_wer_percent: float) -> Patience:
    """Return the state before the first epoch.

    ``best_so_far`` counts the untrained model as the best so far; ``as_printed`` starts with 0.
    """
    reference = baseline_wer_percent if policy == "best_so_far" else None
    return Patience(policy, patience, reference=reference)
