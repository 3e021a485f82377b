"""The figures of a result that an expectation may name (pure)."""

from __future__ import annotations

from typing import Final

from harness.scenario.paths import field_paths, is_known, suggestion
from harness.scenario.schema import Expect, JobContent

FIGURES: Final = (
    "wer_percent",
    "wer_before_percent",
    "wer_after_percent",
    "minutes_per_epoch",
    "peak_rss_mb",
    "need_mb",
    "measured_need_mb",
    "kept_epoch",
    "seconds",
)
"""One number an attempt: fields of ``harness.results.model.AttemptResult``; ``wer_percent`` is the
word error rate after training."""

FIGURES_OVER_EPOCHS: Final = ("wer_percent", "train_loss", "battery_percent", "available_mb")
"""What ``falls_over: epoch`` and ``rises_over: epoch`` may be about."""


def unknown_in(expect: Expect) -> tuple[str, str] | None:
    """Return what an expectation names that there is not, and what was meant; None if nothing.

    It is asked when a scenario file is loaded, not of the scenario in a run folder: a run that was
    made before the question was asked can still be read.
    """
    over = expect.falls_over or expect.rises_over
    known, by = (FIGURES_OVER_EPOCHS, " by epoch") if over == "epoch" else (FIGURES, "")
    if expect.metric not in known:
        beginning = [name for name in known if name.startswith(expect.metric)]
        near = f"Did you mean {beginning[0]}?" if beginning else suggestion(expect.metric, known)
        return (
            f"there is no figure {expect.metric!r}{by}",
            f"{near} There are {', '.join(known)}.".strip(),
        )
    if over not in (None, "epoch") and not is_known(str(over), JobContent):
        return (
            f"{over!r} is neither epoch nor a field of a job",
            suggestion(str(over), ["epoch", *field_paths(JobContent)]),
        )
    return None
