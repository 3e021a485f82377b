"""Reading what an adb server lists (pure)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

STATES: Final = (
    *("device", "offline", "bootloader", "host", "recovery", "rescue", "sideload"),
    *("authorizing", "unauthorized", "connecting", "detached", "unknown"),
)
"""Words of stock adb for where a phone stands (``adb.cpp``, ``to_string(ConnectionState)``)."""
BARRED: Final = "no permissions"
"""The state that two words make; why follows, in any words."""
NO_SERIAL: Final = "(no serial number)"
UNREADABLE: Final = "unreadable"
"""State of a line in which no state was found."""

# `serial   state  path tag:value ...`: a serial may hold spaces (mDNS names), and the text after
# "no permissions" may hold anything. A word that is no state is one if nothing else can be.
_KNOWN = re.compile(
    rf"(?P<serial>\S.*?)\s+(?:(?P<barred>{BARRED})\b(?P<why>.*)"
    rf"|(?P<state>{'|'.join(STATES)})(?P<rest>(?:\s.*)?))"
)
_ANY = re.compile(r"(?P<serial>\S.*?)\s+(?P<state>[a-z]+)(?P<rest>(?:\s+[a-z_]+:\S*)*)\s*")
_STATE_FIRST = re.compile(rf"(?:{BARRED}|{'|'.join(STATES)})\s+(?:usb:)?\d+-")
"""A line whose serial is nothing but blanks, with the path by which the phone can be asked for."""
_TAG = re.compile(r"(?:^|\s)(usb|product|model|device|transport_id):(\S*)")
_USB_PATH = re.compile(r"\d+-\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Listed:
    """A line of ``adb devices -l``.

    Attributes:
        adb_serial: How to ask the server for this phone: its serial; its USB path or transport
            number where several have that serial, or it has none.
        state: ``device``, ``offline``, ``unauthorized``, ``no permissions``, ``recovery`` ...;
            ``unreadable`` if the line has none.
        tags: ``usb``, ``product``, ``model``, ``device``, ``transport_id``, as far as there.
        serial: As the line begins.
        detail: What else it says, for people.
    """

    adb_serial: str
    state: str
    tags: Mapping[str, str]
    serial: str = ""
    detail: str = ""


def parse_devices(text: str) -> list[Listed]:
    """Read the output of ``host:devices-l``, every line of it.

    Words that are not known (a path without ``usb:``, as libusb gives it) are passed over; a line
    in which no state can be found is returned as ``unreadable``, never left out.
    """
    return _told_apart([_line(line.strip()) for line in text.splitlines() if line.strip()])


def _line(line: str) -> Listed:
    nameless = _KNOWN.fullmatch(f"{NO_SERIAL} {line}") if _STATE_FIRST.match(line) else None
    match = _KNOWN.fullmatch(line) or nameless or _ANY.fullmatch(line)
    if match is None:
        return Listed(line.split()[0], UNREADABLE, {}, line.split()[0], line.strip())
    parts = match.groupdict()
    barred = parts.get("barred")
    rest = parts["why"] if barred else parts["rest"]
    tags = dict(_TAG.findall(rest))
    if "usb" not in tags:
        # adb's libusb backend names the path alone
        path = next((word for word in rest.split() if _USB_PATH.fullmatch(word)), None)
        if path is not None:
            tags["usb"] = path
            tags["devpath"] = path
    else:
        tags["devpath"] = f"usb:{tags['usb']}"
    serial = match["serial"]
    return Listed(serial, barred or match["state"], tags, serial, rest.strip() if barred else "")


def _told_apart(lines: Sequence[Listed]) -> list[Listed]:
    """Give lines with one serial, or none, names that the server tells apart.

    adb takes a phone's USB path where it takes a serial (``atransport::MatchesTarget``), and the
    path stays what it is when the phone is plugged in again.
    """
    count = Counter(line.serial for line in lines)
    return [
        replace(line, adb_serial=line.tags["devpath"])
        if (count[line.serial] > 1 or line.serial == NO_SERIAL) and "devpath" in line.tags
        else line
        for line in lines
    ]
