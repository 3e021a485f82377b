"""N-best lists of a batch, with the word errors of each hypothesis (numpy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.metrics import word_errors
from harness.model.pretraining.settings import MinWer
from harness.trainer.batches import Batch, Floats
from harness.trainer.beam import n_best
from harness.trainer.info import ModelInfo

Integers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Lists:
    """Arrays for `harness.model.minwer.Hypotheses`, but for the references."""

    labels: Integers
    """[B, N, L]"""
    lengths: Integers
    """[B, N]"""
    errors: Floats
    """[B, N]"""
    real: Floats
    """[B, N]"""


def lists_of(logits: Sequence[Floats], batch: Batch, info: ModelInfo, how: MinWer) -> Lists:
    """Return the N-best lists of a batch, as the network hears it now.

    A hypothesis longer than a label may be is left out.

    Args:
        logits: [frames, outputs] of each real row.
        batch: The utterances, with their references.
        info: The model's sizes and alphabet.
        how: How long lists are, and how they are searched.
    """
    rows, width = batch.labels.shape
    lists = Lists(
        np.zeros((rows, how.n_best, width), np.int32),
        np.zeros((rows, how.n_best), np.int32),
        np.zeros((rows, how.n_best), np.float32),
        np.zeros((rows, how.n_best), np.float32),
    )
    for row, frames in enumerate(logits):
        reference = _text(batch.labels[row, : batch.lab_len[row]], info)
        found = n_best(frames, info.blank, beam=max(how.beam, how.n_best), count=how.n_best)
        kept = [outputs for outputs, _ in found if len(outputs) <= width]
        for n, outputs in enumerate(kept):
            lists.labels[row, n, : len(outputs)] = outputs
            lists.lengths[row, n] = len(outputs)
            lists.errors[row, n] = word_errors(reference, _text(outputs, info)).errors
            lists.real[row, n] = 1.0
    return lists


def _text(outputs: Sequence[int] | Integers, info: ModelInfo) -> str:
    return info.targets.text(int(n) for n in outputs)
