"""From logits to text (pure)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def greedy_decode(logits: npt.NDArray[np.float32], alphabet: str, blank: int) -> str:
    """Return the best path's text: the best output of each frame, repeats joined, blanks left out.

    Args:
        logits: [frames, outputs]; outputs = characters of the alphabet and one blank.
        alphabet: Characters in the order of the outputs, the blank left out.
        blank: Index of the blank's output.

    Raises:
        ValueError: The logits do not have one output a character and one for the blank.
    """
    if logits.ndim != 2 or logits.shape[1] != len(alphabet) + 1:
        raise ValueError(f"logits {logits.shape} do not fit {len(alphabet)} characters and a blank")
    best = np.argmax(logits, axis=1)
    starts = np.ones(len(best), bool)
    starts[1:] = best[1:] != best[:-1]
    return text_of(best[starts & (best != blank)], alphabet, blank)


def text_of(labels: Iterable[int], alphabet: str, blank: int) -> str:
    """Return the text of labels, none of them the blank.

    Args:
        labels: Indices of outputs.
        alphabet: Characters in the order of the outputs, the blank left out.
        blank: Index of the blank's output.
    """
    return "".join(alphabet[n - (n > blank)] for n in labels)


def log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return log probabilities [frames, outputs] of logits, in double precision."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result
