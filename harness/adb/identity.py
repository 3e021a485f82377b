"""Which phone is which: by its boot id, and by its serial number where that is one (pure).

A serial number is printed by its maker, and cheap ones print the same on every phone. The kernel's
boot id is another on each phone, and stays until it is started again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PLACEHOLDERS: Final = frozenset({"", "unknown", "0123456789ABCDEF", "0123456789abcdef", "0"})
"""What makers print who do not number their phones."""

_MARK: Final = "#mobileasr-boot"
QUESTION: Final = (
    f"echo '{_MARK}'; d=$(getprop debug.mobileasr.proc_dir); "
    'cat "${d:-/proc}/sys/kernel/random/boot_id" 2>/dev/null; '
    f"echo '{_MARK}'; getprop ro.serialno"
)
"""A command whose output `Identity.of` reads; a virtual phone names its own kernel files."""

_BOOT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AGAIN = re.compile(r" \(\d+\)(?=\._adb)")
"""What mDNS puts into the name of a service that came back while the old one was still known."""


@dataclass(frozen=True)
class Identity:
    """What a phone is known by.

    Attributes:
        boot_id: Of its kernel; empty where it cannot be read.
        serial: ``ro.serialno``; empty if it is a placeholder.
        names: What the adb servers call it.
    """

    boot_id: str
    serial: str
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, output: str, names: tuple[str, ...] = ()) -> Identity:
        """Read the output of `QUESTION`."""
        parts = output.split(_MARK)
        boot = _BOOT_ID.search(parts[1]) if len(parts) > 2 else None
        serial = parts[2].strip() if len(parts) > 2 else ""
        return cls(boot.group() if boot else "", real_serial(serial), names)

    def is_of(self, output: str) -> bool:
        """Say whether the phone that gave this output is this one."""
        other = Identity.of(output)
        if self.serial and other.serial:
            # it may have been started again; phones in containers share a kernel
            return self.serial == other.serial
        return bool(self.boot_id) and self.boot_id == other.boot_id

    def may_be(self, name: str, now: str) -> bool:
        """Say whether a name in an adb server's list may be this phone's, known as ``now``."""
        return name in self.names or base_name(name) in {
            base_name(now),
            *map(base_name, self.names),
        }


def real_serial(serial: str) -> str:
    """Return a serial number, empty if its maker did not number the phone."""
    return "" if serial in PLACEHOLDERS else serial


def base_name(name: str) -> str:
    """Return the name of an mDNS service without the count of its comings back."""
    return _AGAIN.sub("", name)
