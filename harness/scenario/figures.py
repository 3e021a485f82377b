"""The figures of a result that an expectation may name (pure)."""

from __future__ import annotations

from typing import Final

from harness.scenario.paths import field_paths, is_known, suggestion
from harness.scenario.report import Report
from harness.scenario.schema import Expect, JobContent

FIGURES: Final = (
    "wer_percent",
    "wer_before_percent",
    "wer_after_percent",
    "minutes_per_epoch",
    "peak_rss_mb",
    "need_mb",
    "measured_need_mb",
    "load_peak_mb",
    "train_peak_mb",
    "kept_epoch",
    "seconds",
    "rare_wer_percent",
    "common_wer_percent",
    "cer_percent",
)
"""One number an attempt: fields of ``harness.results.model.AttemptResult``; ``wer_percent`` is the
word error rate after training, and the last three are what `ASKED_FOR` says."""

ASKED_FOR: Final = {
    "rare_wer_percent": "rare_words",
    "common_wer_percent": "rare_words",
    "cer_percent": "characters",
}
"""Figures that there are where ``report`` of the scenario asks for them, by what."""

FIGURES_OVER_EPOCHS: Final = ("wer_percent", "train_loss", "battery_percent", "available_mb")
"""What ``falls_over: epoch`` and ``rises_over: epoch`` may be about."""


def unknown_in(expect: Expect, report: Report | None = None) -> tuple[str, str] | None:
    """Return what an expectation names that there is not, and what was meant; None if nothing.

    Args:
        expect: The expectation.
        report: What the scenario asks of its report.

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
    asks = ASKED_FOR.get(expect.metric)
    if asks is not None and not getattr(report, asks, None):
        example = "{max_count: 0}" if asks == "rare_words" else "true"
        return (
            f"there is no {expect.metric} unless report.{asks} asks for it",
            f"Write report: {{{asks}: {example}}}.",
        )
    if over not in (None, "epoch") and not is_known(str(over), JobContent):
        return (
            f"{over!r} is neither epoch nor a field of a job",
            suggestion(str(over), ["epoch", *field_paths(JobContent)]),
        )
    return None
