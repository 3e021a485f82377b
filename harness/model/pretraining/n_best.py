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
    """Return the N-best lists of a batch, as a network of CTC logits hears it now.

    Args:
        logits: [frames, outputs] of each real row.
        batch: The utterances, with their references.
        info: The model's sizes and alphabet.
        how: How long lists are, and how they are searched.
    """
    beam = max(how.beam, how.n_best)
    found = [n_best(frames, info.blank, beam=beam, count=how.n_best) for frames in logits]
    return scored([[tuple(labels) for labels, _ in row] for row in found], batch, info, how.n_best)


def scored(
    rows: Sequence[Sequence[tuple[int, ...]]], batch: Batch, info: ModelInfo, count: int
) -> Lists:
    """Return lists of hypotheses with the word errors of each.

    A hypothesis longer than a label may be is left out.

    Args:
        rows: Hypotheses of each real row, the best first.
        batch: The utterances, with their references.
        info: The model's sizes and alphabet.
        count: Hypotheses of an utterance at most.
    """
    size, width = batch.labels.shape
    lists = Lists(
        np.zeros((size, count, width), np.int32),
        np.zeros((size, count), np.int32),
        np.zeros((size, count), np.float32),
        np.zeros((size, count), np.float32),
    )
    for row, hypotheses in enumerate(rows):
        reference = _text(batch.labels[row, : batch.lab_len[row]], info)
        kept = [outputs for outputs in hypotheses if len(outputs) <= width]
        for n, outputs in enumerate(kept):
            lists.labels[row, n, : len(outputs)] = outputs
            lists.lengths[row, n] = len(outputs)
            lists.errors[row, n] = word_errors(reference, _text(outputs, info)).errors
            lists.real[row, n] = 1.0
    return lists


def _text(outputs: Sequence[int] | Integers, info: ModelInfo) -> str:
    return info.targets.text(int(n) for n in outputs)
