"""The figures of a result that an expectation may name (pure)."""

from __future__ import annotations

from typing import Final

from harness.scenario.paths import suggestion

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


def check_figure(metric: str, *, over_epochs: bool) -> None:
    """Check that there is a figure of this name.

    Raises:
        ValueError: There is none; says which was meant, and which there are.
    """
    known = FIGURES_OVER_EPOCHS if over_epochs else FIGURES
    if metric in known:
        return
    over = " by epoch" if over_epochs else ""
    near = suggestion(metric, known)
    if not near:
        near = next((f"Did you mean {name}?" for name in known if name.startswith(metric)), "")
    raise ValueError(
        f"there is no figure {metric!r}{over}. {near} There are {', '.join(known)}.".replace(
            "  ", " "
        )
    )
