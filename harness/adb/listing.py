"""Reading what an adb server lists (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# `serial   state tag:value ...`: a serial may hold spaces (mDNS names), and the text after "no
# permissions" may hold anything
_LINE = re.compile(
    r"(?P<serial>\S.*?)\s+(?:(?P<barred>no permissions)\b(?P<why>.*)"
    r"|(?P<state>[a-z]+)(?P<tags>(?:\s+[a-z_]+:\S*)*))\s*"
)
_TAG = re.compile(r"(?:^|\s)(usb|product|model|device|transport_id):(\S*)")


@dataclass(frozen=True)
class Listed:
    """A line of ``adb devices -l``."""

    adb_serial: str
    state: str
    """``device``, ``offline``, ``unauthorized``, ``no permissions``, ``recovery`` ..."""
    tags: Mapping[str, str]


def parse_devices(text: str) -> list[Listed]:
    """Read the output of ``host:devices-l``; lines that are none are left out."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            rest = match["why"] if match["barred"] else match["tags"]
            tags = dict(_TAG.findall(rest))
            found.append(Listed(match["serial"], match["barred"] or match["state"], tags))
    return found
