"""Sentences from a small grammar of about 150 everyday words.

Every sentence belongs to one of two halves by a hash of its text, so that no corpus, whoever
speaks it and whenever it is made, can have a validation sentence in any training set. Validation
sentences also use words derived from training roots (plurals, -ing), as the paper's do.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Literal

Split = Literal["train", "validation"]

SUBJECTS = (
    "the boy",
    "the girl",
    "my father",
    "her mother",
    "the old man",
    "a young woman",
    "our teacher",
    "the doctor",
    "the farmer",
    "his brother",
    "the driver",
    "a small dog",
    "the black cat",
    "the captain",
    "every child",
    "the king",
    "the queen",
    "my best friend",
    "the baker",
    "a tall soldier",
)
VERBS = (
    ("watch", "watched", "watching"),
    ("open", "opened", "opening"),
    ("paint", "painted", "painting"),
    ("wash", "washed", "washing"),
    ("carry", "carried", "carrying"),
    ("want", "wanted", "wanting"),
    ("follow", "followed", "following"),
    ("drop", "dropped", "dropping"),
    ("clean", "cleaned", "cleaning"),
    ("move", "moved", "moving"),
    ("need", "needed", "needing"),
    ("cover", "covered", "covering"),
    ("find", "found", "finding"),
    ("buy", "bought", "buying"),
    ("lose", "lost", "losing"),
    ("break", "broke", "breaking"),
    ("sell", "sold", "selling"),
    ("keep", "kept", "keeping"),
)
OBJECTS = (
    ("the red", "car"),
    ("a wooden", "box"),
    ("the kitchen", "table"),
    ("an open", "door"),
    ("the little", "bird"),
    ("a heavy", "stone"),
    ("the yellow", "flower"),
    ("some fresh", "bread"),
    ("the broken", "window"),
    ("a long", "letter"),
    ("his winter", "coat"),
    ("the silver", "spoon"),
    ("the cold", "drink"),
    ("the large", "house"),
    ("a new", "bicycle"),
    ("her favourite", "song"),
    ("the paper", "bag"),
    ("an empty", "bottle"),
    ("the morning", "train"),
    ("a green", "apple"),
)
TAILS = (
    "in the garden",
    "near the river",
    "before the storm",
    "after dinner",
    "on the bridge",
    "with great care",
    "at the station",
    "under the tree",
    "during the night",
    "behind the school",
    "for the first time",
    "in early spring",
    "by the fire",
    "without a word",
    "on the way home",
    "last summer",
    "across the road",
    "every single day",
    "in the market",
    "at seven",
)
OPENINGS = (
    "then",
    "and so",
    "but later",
    "suddenly",
    "of course",
    "at first",
    "perhaps",
    "again",
)

DERIVED_SHARE = 0.3
_VALIDATION_SHARE = 0.2
_MASS_NOUNS = frozenset({"bread"})


def split_of(sentence: str) -> Split:
    """Return the half that a sentence belongs to, for ever."""
    share = int.from_bytes(hashlib.sha256(sentence.encode()).digest()[:4], "big") / 2**32
    return "validation" if share < _VALIDATION_SHARE else "train"


def _plural(determiner: str, noun: str) -> str:
    ending = "es" if noun.endswith(("s", "x", "sh", "ch")) else "s"
    first, _, rest = determiner.partition(" ")
    first = {"a": "two", "an": "two"}.get(first, first)
    return f"{first} {rest} {noun}{ending}"


def _sentence(rng: random.Random, derived: bool) -> str:
    subject = rng.choice(SUBJECTS)
    _, past, progressive = rng.choice(VERBS)
    determiner, noun = rng.choice(OBJECTS)
    verb, target = past, f"{determiner} {noun}"
    if derived:
        if rng.random() < 0.5 and noun not in _MASS_NOUNS:
            target = _plural(determiner, noun)
        else:
            verb = f"was {progressive}"
    words = f"{subject} {verb} {target} {rng.choice(TAILS)}"
    return f"{rng.choice(OPENINGS)} {words}" if rng.random() < 0.4 else words


def sentences(split: Split, seed: int, *, derived_share: float | None = None) -> Iterator[str]:
    """Yield sentences of one half without end, never the same one twice.

    Args:
        split: Which half.
        seed: The same seed gives the same sequence.
        derived_share: Share with a derived word; by default 0 for training, 0.3 for validation.
    """
    rng = random.Random(f"{split}:{seed}")
    if derived_share is None:
        derived_share = DERIVED_SHARE if split == "validation" else 0.0
    seen: set[str] = set()
    while True:
        sentence = _sentence(rng, rng.random() < derived_share)
        if sentence not in seen and split_of(sentence) == split:
            seen.add(sentence)
            yield sentence
