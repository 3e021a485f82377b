"""Which recording trains, which validates, and in which round (pure).

A speaker's sentences are ordered by a hash of seed and sentence, and cut. All takes of a sentence
stay together, so a speaker never validates on a sentence that they trained on, nor hears one again
in a later round; and speakers who read the same prompts validate on (nearly) the same ones.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.errors import InputError

VALIDATION_SHARE = 0.25  # 20 of N = 80 (MobileASR, 4.4.3)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a recording belongs."""

    split: str
    round: int


def rank(seed: int, text: str) -> bytes:
    """Return by what sentences, or utterances by their ids, are put in an order of the seed's."""
    return hashlib.sha256(f"{seed}:{text}".encode()).digest()


def split_speaker(
    takes: Callable[[], Iterable[int]],
    speaker: str,
    *,
    rounds: int = 1,
    train: int | None = None,
    validation: int | None = None,
) -> Iterator[tuple[Place, int]]:
    """Give each of a speaker's sentences its place.

    Nothing is held of each sentence: there may be a million.

    Args:
        takes: Returns how many recordings there are of each sentence, by `rank`; called three
            times.
        speaker: For messages.
        rounds: Disjoint rounds.
        train: Training recordings a round; None = all there are.
        validation: Validation recordings a round; None = a quarter of each round (a third of
            ``train`` if that is given).

    Returns:
        Of each sentence its place, and how many of its recordings belong there; the others are not
        needed.

    Raises:
        InputError: There are too few sentences.
    """
    if train is not None and validation is None:
        validation = max(1, round(train * VALIDATION_SHARE / (1 - VALIDATION_SHARE)))
    sentences, recordings = [0] * rounds, [0] * rounds
    for number, count in enumerate(takes()):
        sentences[number % rounds] += 1
        recordings[number % rounds] += count
    in_all = (sum(recordings), sum(sentences))
    if sum(sentences) < 2 * rounds:
        raise _too_few(speaker, *in_all, f"{rounds} round(s)")
    held_out = [
        max(1, round(count * VALIDATION_SHARE)) if validation is None else validation
        for count in recordings
    ]
    placed: Counter[Place] = Counter()
    for place, count in _places(takes(), sentences, held_out, train):
        placed[place] += count
    for round_ in range(1, rounds + 1):
        for split, wanted in (("validation", validation), ("train", train)):
            if placed[Place(split, round_)] < (wanted or 1):
                asked = f"{wanted} to {split.replace('validation', 'validate')} on in each round"
                raise _too_few(speaker, *in_all, asked)
    return _places(takes(), sentences, held_out, train)


def _places(
    takes: Iterable[int], sentences: Sequence[int], held_out: Sequence[int], train: int | None
) -> Iterator[tuple[Place, int]]:
    """Yield the place of each sentence, and how many of its recordings are used.

    Args:
        takes: Recordings of each sentence.
        sentences: How many there are in each round.
        held_out: Validation recordings of each round; one sentence at least is left to train.
        train: Training recordings of a round; None = all.
    """
    left, unfilled = list(sentences), list(held_out)
    untrained = [train] * len(left)
    for number, count in enumerate(takes):
        at = number % len(left)
        if unfilled[at] > 0 and left[at] > 1:
            used = min(count, unfilled[at])
            unfilled[at] -= used
            yield Place("validation", at + 1), used
        else:
            wanted = untrained[at]
            used = count if wanted is None else min(count, wanted)
            untrained[at] = None if wanted is None else wanted - used
            yield Place("train", at + 1), used
        left[at] -= 1


def _too_few(speaker: str, recordings: int, sentences: int, wanted: str) -> InputError:
    return InputError(
        f"{speaker} has too few recordings for {wanted}: {recordings} of {sentences} sentences",
        hint="Record more, or ask for fewer by --train, --validation and --rounds.",
    )
