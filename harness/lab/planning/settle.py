"""What a scenario leaves to its model: the learning rate, and when RAM ends a training (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from harness.pressure.goal import LARGEST_MARGIN
from harness.scenario.schema import PAPER_STOP_MB, JobContent
from harness.trainer.manifest import ModelManifest

STOP_SHARE: Final = 1 / 8
"""Of the smallest step between two needs. ``pressure.fits`` leaves half of it above the need, held
to a quarter of it, so that an eighth lies under what is left while the sub-model trains."""


def settled(content: JobContent, manifest: ModelManifest, needs_mb: Sequence[float]) -> JobContent:
    """Return what a job is made of, with what it leaves out taken from its model.

    Args:
        content: As the scenario has it.
        manifest: Of its model.
        needs_mb: Of the candidates.
    """
    trainer = content.trainer
    rate, stop_mb = trainer.learning_rate, trainer.stop.available_below_mb
    if rate is not None and stop_mb is not None:
        return content
    stop = trainer.stop.model_copy(
        update={
            "available_below_mb": default_stop_mb(needs_mb) if stop_mb is None else stop_mb,
        }
    )
    changes = {"learning_rate": manifest.learning_rate if rate is None else rate, "stop": stop}
    return content.model_copy(update={"trainer": trainer.model_copy(update=changes)})


def default_stop_mb(needs_mb: Sequence[float]) -> float:
    """Return the available RAM (MiB) at which no epoch begins, where a scenario does not say.

    The paper's 300 MiB are for sub-models that need one or two GiB. A small model lives in less.

    Args:
        needs_mb: Of the candidates, at least one.
    """
    ordered = sorted(needs_mb)
    steps = [larger - smaller for smaller, larger in pairwise(ordered) if larger > smaller]
    room = min([*steps, 2 * LARGEST_MARGIN * ordered[-1]])
    return min(PAPER_STOP_MB, round(STOP_SHARE * room, 1))
