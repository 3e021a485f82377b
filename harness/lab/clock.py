"""Time and stopping, as seams: the lab asks these, so that tests and simulations need not wait."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final, Protocol

from harness.errors import HarnessError

_LOOK_S: Final = 0.05
"""How often the main thread looks whether the work is over; Ctrl-C interrupts the wait."""


class Clock(Protocol):
    """Where the lab's time comes from."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def utc(self) -> str:
        """Return the time of day, ISO 8601 with ``Z``, milliseconds."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until ``event`` is set or ``seconds`` have passed; return whether it is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def utc(self) -> str:
        """See `Clock`."""
        return utc_text(datetime.now(timezone.utc))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """See `Clock`."""
        return event.wait(max(0.0, seconds))


def utc_text(moment: datetime) -> str:
    """Return ``moment`` as the ledger and results write it."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds_between(before_utc: str, after_utc: str) -> float:
    """Return the seconds from one time of day to another, 0 if the clock was set back."""
    before, after = (
        datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (before_utc, after_utc)
    )
    return max(0.0, (after - before).total_seconds())


class StopRequestedError(HarnessError):
    """The user asked the run to stop (Ctrl-C), or the attempt was withdrawn."""

    exit_code = 130


class _Followed(threading.Event):
    """An event that sets others with it."""

    def __init__(self) -> None:
        super().__init__()
        self._followers: list[weakref.ref[threading.Event]] = []
        self._adding = threading.Lock()

    def set(self) -> None:
        super().set()
        for follower in self._followers:
            event = follower()
            if event is not None:
                event.set()

    def lead(self, event: threading.Event) -> None:
        """Set another event as soon as this one is set, for as long as somebody has it."""
        with self._adding:
            there = [follower for follower in self._followers if follower() is not None]
            self._followers = [*there, weakref.ref(event)]
        if self.is_set():
            event.set()


class StopSignal:
    """Ctrl-C, heard by all threads: first `gentle`, then `hard`.

    Gentle: no new attempt starts, running ones stop their trainer, save what there is and release
    the phone. Hard: leave at once; ``resume`` cleans the phones.

    Attributes:
        why: Who asked, in words.
    """

    def __init__(self) -> None:
        self.gentle = _Followed()
        self.hard = _Followed()
        self.why = "stopped by the user"

    def child(self) -> StopSignal:
        """Return a signal of one attempt: it is stopped with this one, or alone."""
        child = StopSignal()
        self.gentle.lead(child.gentle)
        self.hard.lead(child.hard)
        return child

    def withdraw(self, why: str) -> None:
        """Stop gently for another reason than the user's."""
        if not self.gentle.is_set():
            self.why = why
        self.gentle.set()

    def press(self) -> bool:
        """Take one Ctrl-C; return True if it was the second."""
        if self.gentle.is_set():
            self.hard.set()
            return True
        self.gentle.set()
        return False

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self.gentle.is_set()

    def check(self) -> None:
        """Raise `StopRequestedError` if a stop was requested."""
        if self.gentle.is_set():
            raise StopRequestedError(self.why)


def work_and_listen(
    work: Callable[[], None], stop: StopSignal, pressed: Callable[[bool], None]
) -> None:
    """Return when ``work`` has ended, or at once after a second Ctrl-C.

    Ctrl-C never falls into the middle of what ``work`` does.

    Args:
        work: Runs in a thread; keeps what it raises to itself.
        stop: Set by Ctrl-C.
        pressed: Called in this thread after each Ctrl-C; True: it was the second.
    """
    over = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            over.set()

    threading.Thread(target=run, name="scheduler", daemon=True).start()
    # Not `join` or `is_alive`: before Python 3.13 a join that Ctrl-C interrupts takes a thread
    # that still works for one that has ended.
    while True:
        try:
            while not over.is_set() and not stop.hard.is_set():
                time.sleep(_LOOK_S)
            break
        except KeyboardInterrupt:
            pressed(stop.press())
