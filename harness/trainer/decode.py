"""From logits to text (pure)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.contract.targets import Targets


def greedy_decode(logits: npt.NDArray[np.float32], targets: Targets) -> str:
    """Return the best path's text: the best output of each frame, repeats joined, blanks left out.

    Args:
        logits: [frames, outputs].
        targets: What the outputs mean.

    Raises:
        ValueError: The logits do not have one output a character or piece and one for the blank.
    """
    if logits.ndim != 2 or logits.shape[1] != targets.outputs:
        count = targets.outputs - 1
        kind = "pieces" if targets.pieces else "characters"
        raise ValueError(f"logits {logits.shape} do not fit {count} {kind} and a blank")
    best = np.argmax(logits, axis=1)
    starts = np.ones(len(best), bool)
    starts[1:] = best[1:] != best[:-1]
    return targets.text(best[starts & (best != targets.blank)])


def log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return log probabilities [frames, outputs] of logits, in double precision."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result
