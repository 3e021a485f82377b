"""Who a holder is, and when one that is not heard of counts for nothing."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.paths import cache_root

EXPIRES_S: Final = 180
"""A holder that has said nothing for so long counts for nothing: its note on the phone may be taken
over, and who reads its ledger calls it silent."""
RENEW_S: Final = 45.0
"""How often a holder says that it lives: two renewals in a row may be missed, slow ones too."""


def has_expired(silent_s: float) -> bool:
    """Say whether a holder that was last heard of so many seconds ago counts for nothing."""
    return silent_s > EXPIRES_S


@dataclass(frozen=True)
class Holder:
    """Who holds a phone, or wants to.

    Args:
        owner: Unique among processes.
        run: Folder of the run, or what else the phone is held for.
        domain: What the locks of the owner's host cover: host and lock folder.
        host: Name of the owner's host.
        pid: The owner's process.
    """

    owner: str
    run: str
    domain: str
    host: str
    pid: int

    @classmethod
    def here(cls, owner: str, run: str, root: Path | None = None) -> Holder:
        """Return a holder in this process that uses the locks in ``root`` (None: this host's)."""
        host, folder = socket.gethostname(), str((root or lock_root()).resolve())
        domain = hashlib.sha256(f"{host}:{folder}".encode()).hexdigest()[:16]
        return cls(owner, run, domain, host, os.getpid())

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.owner} (pid {self.pid} on {self.host}, {self.run})"


class PhoneBusyError(HarnessError):
    """Another owner holds the phone.

    Args:
        serial: The phone.
        by: Who holds it, as far as that is known.
    """

    def __init__(self, serial: str, by: object) -> None:
        self.serial = serial
        super().__init__(f"{serial} is held by {by}")


def lock_root() -> Path:
    """Return the folder of this host's locks: per user, shared by all runs."""
    return cache_root() / "leases"


def owner_name() -> str:
    """Return a name for this process as an owner."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
