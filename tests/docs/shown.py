"""Whether output that a page shows is what its commands print, figures included.

A line of the page is looked for among the printed ones. Names with digits in them (serials, runs,
times of day) may be others, ``…`` stands for anything, and numbers are the same within a tenth.
What a training measures is another on each computer: a page shows it as ``…``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TOLERANCE = 0.1
NAMES = 6
"""A shorter word with a digit is no name that changes: S1, p2."""
ANYTHING = ("…", "...")
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?=[,;:.)%]*$)")
_UNIT = re.compile(r"\d\s?(?:MiB|MB|GB|GiB|%|points|mAh|min\b)")


def _pattern(line: str) -> tuple[re.Pattern[str], list[float]]:
    """Return what a line of the page may look like in print, and the numbers in it."""
    parts: list[str] = []
    numbers: list[float] = []
    for word in line.split():
        if word.strip(",;:()") in ANYTHING:
            parts.append(r".*?")
        elif found := _NUMBER.match(word):
            numbers.append(float(found[0].replace("−", "-")))
            parts.append(r"([-+−]?\d+(?:\.\d+)?)" + re.escape(word[found.end() :]))
        elif len(word) >= NAMES and any(character.isdigit() for character in word):
            parts.append(r"\S+")
        else:
            parts.append(re.escape(word))
    return re.compile(r"\s*".join(parts)), numbers


def _close(shown: float, printed: float) -> bool:
    return abs(shown - printed) <= TOLERANCE * max(abs(shown), abs(printed))


def is_printed(line: str, printed: Sequence[str]) -> bool:
    """Say whether a line of a page was printed, with about these figures."""
    pattern, numbers = _pattern(line)
    for candidate in printed:
        found = pattern.search(candidate)
        if found is None:
            continue
        there = [float(text.replace("−", "-")) for text in found.groups()]
        if all(_close(*pair) for pair in zip(numbers, there, strict=True)):
            return True
    return False


def never_printed(text: str, printed: str) -> list[str]:
    """Return the lines of a block of output that no command so far has printed."""
    lines = printed.splitlines()
    return [line for line in text.splitlines() if line.strip() and not is_printed(line, lines)]


def measured_figures(text: str) -> list[str]:
    """Return the lines that carry a figure with a unit."""
    return [line for line in text.splitlines() if _UNIT.search(line)]
