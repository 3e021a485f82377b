"""Speech dealt out among clients that are no speakers: the same deal for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np

from harness.speech.manifest import Utterance
from harness.speech.splitting import rank

T = TypeVar("T")


def dealt(
    utterances: Sequence[Utterance],
    by: Literal["iid", "dirichlet"],
    shares: int,
    *,
    alpha: float = 0.5,
    seed: int = 0,
) -> list[list[Utterance]]:
    """Deal utterances out; each goes to one share.

    ``iid``: in an order that only the seed decides, one after the other. ``dirichlet``: of each
    speaker every share gets a part drawn from a Dirichlet distribution (Hsu et al. 2019), the
    same part of training and validation speech; a share that would get nothing at all takes one
    from the largest.

    Args:
        utterances: Of one split.
        by: How.
        shares: How many.
        alpha: Of the Dirichlet distribution.
        seed: Of the deal.

    Returns:
        The shares, in their order; some are empty where there are too few utterances.
    """
    if by == "iid":
        ordered = sorted(utterances, key=lambda utterance: rank(seed, utterance.id))
        return [ordered[share::shares] for share in range(shares)]
    hands: list[list[Utterance]] = [[] for _ in range(shares)]
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    for speaker, own in by_speaker.items():
        own.sort(key=lambda utterance: rank(seed, utterance.id))
        rng = np.random.default_rng(int.from_bytes(rank(seed, speaker)[:8], "big"))
        ends = np.rint(np.cumsum(rng.dirichlet([alpha] * shares)) * len(own)).astype(int)
        begin = 0
        for hand, end in zip(hands, ends, strict=True):
            hand += own[begin:end]
            begin = max(begin, int(end))
    return _none_empty(hands)


def _none_empty(hands: list[list[T]]) -> list[list[T]]:
    for hand in hands:
        largest = max(hands, key=len)
        if not hand and len(largest) > 1:
            hand.append(largest.pop())
    return hands
