"""In which batches an epoch takes its utterances: the same in every trainer (pure).

A batch lasts as long as its longest utterance, so utterances of like length are put together; not
all of them by length, or each epoch would see the same batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

WINDOW_BATCHES = 4
"""Batches' worth of utterances, drawn at random, that are sorted by length together."""


def epoch_batches(
    seed: int, epoch: int, lengths: Sequence[int], batch_size: int
) -> list[list[int]]:
    """Return the rows of each batch of an epoch; every row once, only the last window falls short.

    Rows are drawn in the order of SHA-256("seed:epoch:row"), in windows of ``WINDOW_BATCHES``
    batches; a window is sorted by length (of equals the first drawn first) and cut into batches;
    the batches are taken in the order of SHA-256("seed:epoch:batch n"). Digests are compared as
    lower-case hexadecimal, so another language needs no generator of ours.

    Args:
        seed: Of the job.
        epoch: From 1.
        lengths: Of each utterance, in any unit (the trainer gives frames of features).
        batch_size: Utterances in a batch, at least 1.
    """

    def key(name: str) -> str:
        return hashlib.sha256(f"{seed}:{epoch}:{name}".encode()).hexdigest()

    drawn = sorted(range(len(lengths)), key=lambda row: key(str(row)))
    size = WINDOW_BATCHES * batch_size
    batches = []
    for start in range(0, len(drawn), size):
        window = sorted(drawn[start : start + size], key=lambda row: lengths[row])
        batches += [window[n : n + batch_size] for n in range(0, len(window), batch_size)]
    order = sorted(range(len(batches)), key=lambda n: key(f"batch {n}"))
    return [batches[n] for n in order]
