"""What one coordinator has on a worker."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from harness.lab.clock import StopSignal
from harness.lab.engines.wire import News, Outcome
from harness.lab.leases import Lease
from harness.lab.ports import LabPhone, PhoneStatus
from harness.results.model import AttemptResult
from harness.results.store import AttemptFolder


@dataclass
class Running:
    """An attempt that was begun here."""

    serial: str
    folder: AttemptFolder
    stop: StopSignal
    over: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None


@dataclass
class Session:
    """What one coordinator has here; also the `Progress` of its attempts."""

    run: str
    owner: str
    stop: StopSignal = field(default_factory=StopSignal)
    leases: dict[str, Lease] = field(default_factory=dict)
    noted: dict[str, LabPhone] = field(default_factory=dict)
    """Phones that carry a note of the coordinator (`harness.lab.phone_notes`)."""
    renewed: float = field(default_factory=time.monotonic)
    running: dict[tuple[str, int], Running] = field(default_factory=dict)
    heard: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)
    told: News = field(default_factory=News)

    def phone(self, status: PhoneStatus) -> None:
        """See `Progress`; only the newest of a phone is kept."""
        with self.lock:
            self.told.statuses[status.serial] = status

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        """Say nothing: the coordinator sees the result."""

    def note(self, text: str) -> None:
        """See `Progress`."""
        with self.lock:
            self.told.notes.append(text)

    def news(self) -> News:
        """Return what was told since the last time."""
        with self.lock:
            told, self.told = self.told, News()
        return told
