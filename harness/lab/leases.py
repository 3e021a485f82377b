"""Leases: one owner a phone, across the processes of this host.

A lease is a file lock named for the phone's ``ro.serialno`` (USB serials, ``ip:port`` and mDNS
names are all aliases), so the kernel frees it when its owner dies, however it dies. Beside the lock
lies who holds it, with heartbeat and expiry, for people, for ``status``, and for owners on other
hosts that share an adb server.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError
from harness.lab.clock import Clock, SystemClock, utc_text
from harness.paths import cache_root
from harness.results.files import said, write_bytes
from harness.results.names import safe_name

EXPIRES_AFTER_S = 60.0
"""A holder that has not said it lives for this long counts as dead to other hosts."""


@dataclass(frozen=True)
class Holder:
    """Who holds a phone."""

    serial: str
    owner: str
    host: str
    pid: int
    run: str
    """Folder of the run, or what else the phone is held for."""
    since_utc: str
    heartbeat_utc: str
    expires_utc: str


class PhoneBusyError(HarnessError):
    """Another owner holds the phone."""

    def __init__(self, serial: str, holder: Holder | None) -> None:
        self.serial = serial
        self.holder = holder
        who = "another process"
        if holder is not None:
            who = f"{holder.owner} (pid {holder.pid} on {holder.host}, {holder.run})"
        super().__init__(f"{serial} is leased by {who}")


def lease_root() -> Path:
    """Return the folder of this host's locks: per user, shared by all runs."""
    return cache_root() / "leases"


class Lease:
    """A phone held; made by `acquire`. Use as a context or call `release`."""

    def __init__(self, lock: FileLock, note: Path, holder: Holder, clock: Clock) -> None:
        self._lock = lock
        self._note = note
        self._clock = clock
        self.holder = holder

    @property
    def serial(self) -> str:
        """The phone's ``ro.serialno``."""
        return self.holder.serial

    def heartbeat(self) -> None:
        """Say that the owner lives."""
        now = self._clock.utc()
        self.holder = replace(self.holder, heartbeat_utc=now, expires_utc=_later(now))
        _write(self._note, self.holder)

    def release(self) -> None:
        """Free the phone; a second call does nothing."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def break_lock(self) -> None:
        """Let the lock go and leave the note, as the kernel does for an owner that was killed."""
        self._lock.release()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(
    serial: str,
    *,
    owner: str,
    run: str,
    root: Path | None = None,
    clock: Clock | None = None,
    wait_s: float = 0.0,
) -> Lease:
    """Take the lease of a phone.

    Args:
        serial: ``ro.serialno``; not trusted as a file name.
        owner: Who asks, unique among processes.
        run: What for.
        root: Folder of the locks; None for this host's.
        clock: Where the time comes from.
        wait_s: How long to wait for another owner to let go.

    Raises:
        PhoneBusyError: Another owner holds it.
        StoreError: The folder of the locks cannot be written.
    """
    folder = root or lease_root()
    clock = clock or SystemClock()
    with said(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    name = safe_name(serial)
    # One lock object a lease: threads of one process exclude each other like processes do.
    lock = FileLock(folder / f"{name}.lock", thread_local=False)
    note = folder / f"{name}.json"
    with said(folder / f"{name}.lock", "lock"):
        try:
            lock.acquire(timeout=wait_s)
        except Timeout as error:  # an OSError too, so it must not reach `said`
            raise PhoneBusyError(serial, holder_of(serial, folder)) from error
    now = clock.utc()
    holder = Holder(serial, owner, socket.gethostname(), os.getpid(), run, now, now, _later(now))
    try:
        _write(note, holder)
    except BaseException:
        lock.release()
        raise
    return Lease(lock, note, holder, clock)


def holder_of(serial: str, root: Path | None = None) -> Holder | None:
    """Return who last wrote that they hold the phone; None if nobody or unreadable."""
    try:
        raw = json.loads(((root or lease_root()) / f"{safe_name(serial)}.json").read_bytes())
        return Holder(**raw)
    except (OSError, ValueError, TypeError):
        return None


def is_expired(holder: Holder, now_utc: str) -> bool:
    """Say whether a holder has missed its heartbeats."""
    return now_utc > holder.expires_utc


def _write(path: Path, holder: Holder) -> None:
    write_bytes(path, (json.dumps(asdict(holder)) + "\n").encode())


def _later(utc: str) -> str:
    moment = datetime.fromisoformat(utc.replace("Z", "+00:00"))
    return utc_text(moment.astimezone(timezone.utc) + timedelta(seconds=EXPIRES_AFTER_S))
