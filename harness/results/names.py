"""Names for folders and files from text that nobody vouches for (serials, speakers, titles)."""

from __future__ import annotations

import hashlib
import re

MAX_NAME = 80
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def is_safe_name(text: str) -> bool:
    """Say whether ``text`` may stand as one path component as it is."""
    return len(text) <= MAX_NAME and _SAFE.fullmatch(text) is not None and ".." not in text


def safe_name(text: str) -> str:
    """Return a path component for ``text``: itself where that is harmless, else marked by a hash.

    Two different texts never share a name: whatever had to be changed carries 8 hex digits of the
    text's SHA-256 after a ``~``, which no unchanged name may contain.
    """
    if is_safe_name(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    plain = _UNSAFE.sub("-", text).strip(".-_").replace("..", "-")[: MAX_NAME - 9].strip(".-_")
    return f"{plain}~{digest}" if plain else f"x~{digest}"
