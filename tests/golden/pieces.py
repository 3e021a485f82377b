"""Golden vectors of texts as labels and back: characters, and pieces of words."""

from __future__ import annotations

from typing import Any

from harness.contract.targets import Targets

_LETTERS = " abcdefghijklmnopqrstuvwxyz"
_ENGLISH = (
    *(" t", "he", " the", " s", "er", "in", "an", " a", "re", "on", " w", "ing", "ed", "ou"),
    *("aa", " in", "ng", " an", "and", " and"),
)
_TEXTS = (
    *("", "a", "the", "the other", "this is the end and the rest", "thethe", "a  b", " a", "a "),
    *("aaaa", "aaaaa", "singing in the rain", "anding", "quartz", "banana and ananas"),
)
_CASES: tuple[tuple[str, int, tuple[str, ...], tuple[str, ...]], ...] = (
    (_LETTERS, 0, (), _TEXTS),
    (_LETTERS, 0, _ENGLISH, _TEXTS),
    (_LETTERS, 30, _ENGLISH, _TEXTS),
    (" abc", 2, ("ab", "bc", "abc", " a", " abc"), ("abc", "aabbcc", "abcabc abc", "cab")),
    (" cehoprzèé", 0, (" è", "ch", "rch", "zz", " p", " pe", " perch"), ("perché è", "pezzo", "è")),
)
_NO_LISTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (" ab", ("a",)),
    (" ab", ("ab", "ab")),
    (" ab", ("a b",)),
    (" ab", ("a ",)),
    (" ab", ("ac",)),
    (" ab", ("aba",)),
    (" ab", ("aba", "ab")),
    (" ab", ("",)),
)


def pieces() -> dict[str, Any]:
    """Return texts with the labels that write them, texts that cannot be, and no lists."""
    written = []
    for alphabet, blank, parts, texts in _CASES:
        targets = Targets(alphabet, blank, parts)
        for text in texts:
            labels = targets.labels(text)
            assert targets.text(labels) == text
            written.append(
                {
                    "alphabet": alphabet, "blank": blank, "pieces": list(parts),
                    "text": text, "labels": labels,
                }
            )  # fmt: skip
    heard = Targets(_LETTERS, 0, _ENGLISH)
    places = {part: n for n, part in enumerate((*_LETTERS, *_ENGLISH), 1)}
    return {
        "written": written,
        # what a network may say though no text is encoded so
        "heard": [
            {
                "alphabet": _LETTERS,
                "blank": 0,
                "pieces": list(_ENGLISH),
                "labels": labels,
                "text": heard.text(labels),
            }
            for labels in (
                [places["he"]],
                [places["t"], places["he"]],
                [places[" "], places["t"]],
                [places[" "], places[" "], places["t"], places[" "]],
                [places[" "]],
            )
        ],
        "not_written": [
            {"alphabet": " abc", "pieces": ["ab"], "text": text} for text in ("abd", "é", "A")
        ],
        "no_lists": [{"alphabet": alphabet, "pieces": list(p)} for alphabet, p in _NO_LISTS],
    }
