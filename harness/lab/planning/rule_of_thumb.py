"""Roughly how long a job takes where no past run tells (pure)."""

from __future__ import annotations

from typing import Final

from harness.scenario.schema import JobContent

OVERHEAD_S: Final = 12.0
"""Gate, push, settling of the pressure, start of the runtime, collection: measured on virtual
phones; a real one takes longer for its first push."""
UTTERANCE_S: Final = 0.02
UTTERANCE_S_PER_MPARAM: Final = 0.005
"""Seconds of training an utterance of some 3 s, all layers, two threads: fits 2.3 s an epoch of 60
at 1.73 M parameters and 2.13 s a step of 5 utterances of 10 s at 30.2 M (MODEL.md 3 and 5)."""
EVALUATE_SHARE: Final = 0.35
"""An utterance costs this much of its training step to evaluate."""


def guessed_s(content: JobContent, parameters_m: float) -> float:
    """Return a job's rough seconds on any phone; ``parameters_m``: millions of parameters."""
    train, validation = content.data.train or 60, content.data.validation or 20
    utterance_s = UTTERANCE_S + UTTERANCE_S_PER_MPARAM * parameters_m
    if content.data.style == "full":
        utterance_s *= 3
    epoch_s = utterance_s * (train + EVALUATE_SHARE * validation)
    return OVERHEAD_S + content.trainer.epochs * epoch_s + EVALUATE_SHARE * validation * utterance_s
