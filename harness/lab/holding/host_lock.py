"""The lock of a phone on its host: one owner among the processes there.

It is a file lock named for the phone's ``ro.serialno`` (USB serials, ``ip:port`` and mDNS names are
all aliases), so the kernel frees it when its owner dies, however it dies. Beside it lies who holds
it, for people and for error messages.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock, Timeout

from harness.lab.clock import Clock, SystemClock
from harness.lab.holding.holder import Holder, PhoneBusyError, lock_root
from harness.results.files import said, write_bytes
from harness.results.names import safe_name


@dataclass(frozen=True)
class Held:
    """That a phone is held.

    Args:
        by: Who holds it.
        since_utc: Since when; empty if nobody wrote that.
    """

    by: Holder
    since_utc: str = ""

    def __str__(self) -> str:
        """Return it as people read it."""
        since = f" since {self.since_utc}" if self.since_utc else ""
        return f"{self.by.run}{since} ({self.by.owner}, pid {self.by.pid} on {self.by.host})"


class HostLock:
    """The lock of one phone.

    Args:
        serial: ``ro.serialno``; not trusted as a file name.
        root: Folder of the locks; None for this host's.
        clock: Where the time of day comes from.
    """

    def __init__(self, serial: str, root: Path | None = None, clock: Clock | None = None) -> None:
        self._serial = serial
        self._clock = clock or SystemClock()
        self._folder = root or lock_root()
        name = safe_name(serial)
        # One lock object a phone and owner: threads exclude each other like processes do.
        self._lock = FileLock(self._folder / f"{name}.lock", thread_local=False)
        self._note = self._folder / f"{name}.json"

    def acquire(self, holder: Holder, wait_s: float = 0.0) -> None:
        """Take the lock.

        Args:
            holder: Who takes it.
            wait_s: How long to wait for another owner to let go.

        Raises:
            PhoneBusyError: Another owner has it.
            StoreError: The folder of the locks cannot be written.
        """
        with said(self._folder, "make the folder"):
            self._folder.mkdir(parents=True, exist_ok=True)
        with said(Path(self._lock.lock_file), "lock"):
            try:
                self._lock.acquire(timeout=wait_s)
            except Timeout as error:  # an OSError too, so it must not reach `said`
                by = self.noted() or "another process"
                raise PhoneBusyError(self._serial, by) from error
        try:
            self.write(holder)
        except BaseException:
            self._lock.release()
            raise

    def write(self, holder: Holder) -> None:
        """Write down who has the lock.

        Raises:
            StoreError: The folder of the locks cannot be written.
        """
        note = {"serial": self._serial, **asdict(holder), "since_utc": self._clock.utc()}
        write_bytes(self._note, (json.dumps(note) + "\n").encode())

    def noted(self) -> Holder | None:
        """Return who last wrote that they have the lock; None if nobody or unreadable."""
        held = self.held()
        return None if held is None else held.by

    def held(self) -> Held | None:
        """Return who last wrote that they have the lock, and since when; see `noted`."""
        try:
            note = json.loads(self._note.read_bytes())
            holder = Holder(**{field.name: note[field.name] for field in fields(Holder)})
            return Held(holder, str(note.get("since_utc") or ""))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def release(self) -> None:
        """Let the lock go; a second call does nothing."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()

    def is_free(self) -> bool:
        """Say whether nobody has the lock; what a dead owner wrote does not count."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._lock.release()
        return True


def holder_on_host(serial: str, root: Path | None = None) -> Held | None:
    """Return who holds a phone on this host, and since when; None if it is free."""
    lock = HostLock(serial, root)
    held = lock.held()
    return None if held is None or lock.is_free() else held
