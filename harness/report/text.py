"""Text that phones and scenarios gave us, made harmless for a page and for a figure (pure)."""

from __future__ import annotations

import re
import unicodedata

# Control characters are not allowed in XML; bidirectional overrides let a name rewrite what stands
# beside it; lone surrogates cannot be written as UTF-8.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def clean(text: str) -> str:
    """Return ``text`` with what must not stand in a page replaced by U+FFFD."""
    return _UNSAFE.sub("�", text)


def one_line(text: str, limit: int = 40) -> str:
    """Return ``text`` for a figure: one clean line of at most ``limit`` characters."""
    line = " ".join(clean(text).split())
    if len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + "…"


def width(text: str) -> float:
    """Return about how many digit widths ``text`` takes (wide East Asian characters take two)."""
    return sum(
        2.0 if unicodedata.east_asian_width(character) in "WF" else 1.0 for character in text
    )


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def listed(words: list[str], *, most: int = 6) -> str:
    """Return ``a, b and c``; beyond ``most`` the rest is counted."""
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
