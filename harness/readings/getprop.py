"""``getprop``: all system properties.

Values may span lines, and some phones print entries without a line end between them, so entries are
found by their beginnings in the whole text, not line by line.
"""

from __future__ import annotations

import re

from harness.readings.base import NotedReading, Unread, clean, integer
from harness.readings.errors import ReadingError

_BEGIN = re.compile(r"(?:(?<=\n)|(?<=\])|\A)\[([^\[\]\n]{1,200})\]: ?\[")


class Getprop(NotedReading):
    """The properties by name; an entry that is cut short is left out."""

    properties: dict[str, str]

    def get(self, name: str) -> str | None:
        """Return a property, or None when it is absent or empty (Android does not tell apart)."""
        return self.properties.get(name) or None

    @property
    def sdk(self) -> int | None:
        """``ro.build.version.sdk``."""
        return integer(self.properties.get("ro.build.version.sdk", ""))


def parse_getprop(text: str | bytes) -> Getprop:
    """Read the output of ``getprop`` without arguments.

    Raises:
        ReadingError: Not one complete property.
    """
    cleaned = clean(text)
    begins = list(_BEGIN.finditer(cleaned))
    properties: dict[str, str] = {}
    unread = Unread()
    for index, begin in enumerate(begins):
        until = begins[index + 1].start() if index + 1 < len(begins) else len(cleaned)
        end = cleaned.rfind("]", begin.end(), until)
        if end >= 0:
            properties.setdefault(begin[1], cleaned[begin.end() : end])
        else:
            unread.add(begin[0])
    if not properties:
        raise ReadingError("getprop", "no property", cleaned)
    return Getprop(properties=properties, notes=unread.notes())
