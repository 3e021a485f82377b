"""Reading what an adb server lists (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Listed:
    """A line of ``adb devices -l``."""

    adb_serial: str
    state: str
    """``device``, ``offline``, ``unauthorized``, ``no permissions``, ``recovery`` ..."""
    tags: Mapping[str, str]


def parse_devices(text: str) -> list[Listed]:
    """Read the output of ``host:devices-l``.

    The serial may hold spaces (mDNS names) and the state too (``no permissions (...); see [...]``),
    so the line is split where the server pads: before the state.
    """
    listed = []
    for line in text.splitlines():
        serial, _, rest = _split_serial(line)
        if not rest:
            continue
        tags = dict(
            word.split(":", 1)
            for word in rest.split()
            if ":" in word and word.split(":", 1)[0] in _TAGS
        )
        state = rest
        for name in ("no permissions", *rest.split()[:1]):
            if rest.startswith(name):
                state = name
                break
        listed.append(Listed(serial, state, tags))
    return listed


_TAGS = ("usb", "product", "model", "device", "transport_id", "features")


def _split_serial(line: str) -> tuple[str, str, str]:
    if "\t" in line:
        return line.partition("\t")
    # devices-l pads the serial to 22 columns; a longer one is followed by a single space
    if len(line) > 22 and line[21] == " ":
        return line[:22].rstrip(), " ", line[22:].strip()
    serial, gap, rest = line.partition(" ")
    return serial, gap, rest.strip()
