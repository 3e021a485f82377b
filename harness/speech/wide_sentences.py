"""Longer sentences with words that no shipped baseline was pre-trained on (style ``wide``).

The grammar of :mod:`harness.speech.sentences` with a second tail, and about one part in four from a
list of its own: what a baseline makes no mistake in leaves personalisation nothing to learn, and
what it has never heard a word of leaves it nothing to begin with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from harness.speech.sentences import (
    DERIVED_SHARE,
    OBJECTS,
    OPENINGS,
    SUBJECTS,
    TAILS,
    VERBS,
    Split,
    split_of,
)

LONGEST = 78
"""Characters: the small networks write 80 at most."""
NEW_SHARE = 0.25
"""How often a part of a sentence is one that the baselines do not know."""
_PEOPLE = (
    *("the plumber", "our neighbour", "a tired nurse", "the pilot", "her cousin", "the judge"),
    *("a famous singer", "the gardener", "the sailor", "his uncle", "a clever student"),
)
_ACTIONS = (
    *("borrowed", "repaired", "forgot", "ordered", "noticed", "measured", "wrapped", "planted"),
    *("returned", "polished", "ignored"),
)
_THINGS = (
    *("the copper ladder", "a warm blanket", "the rusty hammer", "our umbrella", "a ticket"),
    *("the hollow pumpkin", "some medicine", "the violin", "a plastic bucket", "their magazine"),
    "the lantern",
)
_CIRCUMSTANCES = (
    *("at the airport", "on monday", "inside the museum", "despite the noise", "as usual"),
    *("beside the harbour", "since october", "at half past eleven", "up in the mountains"),
    *("just in case", "until midnight"),
)


def _sentence(rng: random.Random, derived: bool) -> str:
    def part(known: tuple[str, ...], new: tuple[str, ...]) -> str:
        return rng.choice(new if rng.random() < NEW_SHARE else known)

    known = tuple(f"was {progressive}" if derived else past for _, past, progressive in VERBS)
    parts = [
        part(SUBJECTS, _PEOPLE),
        part(known, _ACTIONS),
        part(tuple(f"{first} {noun}" for first, noun in OBJECTS), _THINGS),
        part(TAILS, _CIRCUMSTANCES),
    ]
    if rng.random() < 0.4:
        parts.insert(0, rng.choice(OPENINGS))
    elif rng.random() < 0.5:
        parts.append(part(TAILS, _CIRCUMSTANCES))
    return " ".join(parts)


def wide_sentences(split: Split, seed: int) -> Iterator[str]:
    """Yield sentences of one half without end, never the same one twice.

    Those to validate also use words derived from training roots, as the paper's do.

    Args:
        split: Which half; a sentence belongs to it for ever.
        seed: The same seed gives the same sequence.
    """
    rng = random.Random(f"wide:{split}:{seed}")
    seen: set[str] = set()
    while True:
        sentence = _sentence(rng, split == "validation" and rng.random() < DERIVED_SHARE)
        if len(sentence) > LONGEST:
            continue
        if sentence not in seen and split_of(sentence) == split:
            seen.add(sentence)
            yield sentence
