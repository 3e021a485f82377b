"""Which recording trains, which validates, and in which round (pure).

A speaker's sentences are ordered by a hash of seed and sentence, and cut. All takes of a sentence
stay together, so a speaker never validates on a sentence that they trained on, nor hears one again
in a later round; and speakers who read the same prompts validate on (nearly) the same ones.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.errors import InputError

VALIDATION_SHARE = 0.25  # 20 of N = 80 (MobileASR, 4.4.3)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recording belongs."""

    split: str
    round: int


def split_speaker(
    texts: Sequence[str],
    speaker: str,
    *,
    rounds: int = 1,
    train: int | None = None,
    validation: int | None = None,
    seed: int = 0,
) -> dict[int, Place]:
    """Give each of a speaker's recordings its place.

    Args:
        texts: Normalised transcript of each recording.
        speaker: For messages.
        rounds: Disjoint rounds.
        train: Training recordings a round; None = all there are.
        validation: Validation recordings a round; None = a quarter of each round (a third of
            ``train`` if that is given).
        seed: Of the order.

    Returns:
        Number of the recording -> place; those that are not needed are not in it.

    Raises:
        InputError: There are too few sentences.
    """
    if train is not None and validation is None:
        validation = max(1, round(train * VALIDATION_SHARE / (1 - VALIDATION_SHARE)))
    groups: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        groups[text].append(number)
    order = sorted(groups, key=lambda text: _rank(seed, text))
    if len(order) < 2 * rounds:
        raise _too_few(speaker, len(texts), len(order), f"{rounds} round(s)")
    places: dict[int, Place] = {}
    for round_ in range(1, rounds + 1):
        own = [groups[text] for text in order[round_ - 1 :: rounds]]
        most = validation
        if most is None:
            most = max(1, round(sum(map(len, own)) * VALIDATION_SHARE))
        held_out, rest = _take(own, most, leave=1)
        trained, _ = _take(rest, train)
        for numbers, split, wanted in (
            (held_out, "validation", validation),
            (trained, "train", train),
        ):
            if len(numbers) < (wanted or 1):
                asked = f"{wanted} to {split.replace('validation', 'validate')} on in each round"
                raise _too_few(speaker, len(texts), len(order), asked)
            places |= dict.fromkeys(numbers, Place(split, round_))
    return places


def _rank(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


def _take(
    groups: Sequence[list[int]], count: int | None, *, leave: int = 0
) -> tuple[list[int], Sequence[list[int]]]:
    """Take whole groups until there are ``count`` recordings; surplus takes fall away.

    Args:
        groups: Recordings of each sentence.
        count: How many recordings; None = all.
        leave: Leave at least so many groups.
    """
    taken: list[int] = []
    used = 0
    while used < len(groups) - leave and (count is None or len(taken) < count):
        taken += groups[used]
        used += 1
    return taken[:count], groups[used:]


def _too_few(speaker: str, recordings: int, sentences: int, wanted: str) -> InputError:
    return InputError(
        f"{speaker} has too few recordings for {wanted}: {recordings} of {sentences} sentences",
        hint="Record more, or ask for fewer by --train, --validation and --rounds.",
    )


def shared_sentences(rows: Iterable[tuple[str, str]]) -> int:
    """Return how many sentences of (text, split) rows are in both train and validation."""
    by_split: dict[str, set[str]] = defaultdict(set)
    for text, split in rows:
        by_split[split].add(text)
    return len(by_split["train"] & by_split["validation"])
