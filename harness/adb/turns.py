"""Whose turn it is to push: a USB hub divides its throughput among all that hang on it.

Phones of one hub take turns, first come first served, a few at once; more at once would end no
sooner and let pushes run into their time limits. What is no USB phone shares its adb server.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from harness.adb.errors import AdbError
from harness.errors import InputError

AT_ONCE: Final = 4
VARIABLE: Final = "MOBILEASR_PUSHES_PER_HUB"
"""Environment variable for another number than `AT_ONCE`."""
_LOOK_S: Final = 0.5
_USB = re.compile(r"(?P<bus>\d+)-(?P<ports>\d+(?:\.\d+)*)")


class WaitStoppedError(AdbError):
    """Ctrl-C came while a phone waited for its turn."""


def hub_of(usb_path: str) -> str:
    """Return the hub of a phone by its path on USB: all but the last port.

    Args:
        usb_path: As ``adb devices -l`` has it on Linux, ``1-2.3``: port 3 of what is on port 2 of
            bus 1. Other forms, and no path, are of one hub, named ``""``.
    """
    match = _USB.fullmatch(usb_path)
    if match is None:
        return ""
    above, _, _ = match["ports"].rpartition(".")
    return f"{match['bus']}-{above}" if above else match["bus"]


def at_once() -> int:
    """Return how many phones of a hub may be pushed to at once.

    Raises:
        InputError: The environment says something that is no such number.
    """
    number = os.environ.get(VARIABLE, "").strip()
    if not number:
        return AT_ONCE
    if not number.isdigit() or int(number) < 1:
        raise InputError(f"{number!r} is no number of pushes", where=VARIABLE, hint="1 or more.")
    return int(number)


class Turns:
    """Turns at hubs, first come first served.

    Args:
        limit: So many may have their turn at one hub at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Condition()
        self._busy: dict[str, int] = {}
        self._waiting: dict[str, deque[object]] = {}

    @contextlib.contextmanager
    def turn(
        self,
        hub: str,
        stop: threading.Event | None = None,
        waits: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Have a turn for as long as the context lasts.

        Args:
            hub: Where.
            stop: Set to wait no longer.
            waits: Called once if there is something to wait for.

        Raises:
            WaitStoppedError: ``stop`` was set before the turn came.
        """
        me = object()
        with self._lock:
            line = self._waiting.setdefault(hub, deque())
            line.append(me)
        try:
            if waits is not None and not self._is_next(hub, me):
                waits()
            with self._lock:
                while not self._is_next(hub, me):
                    if stop is not None and stop.is_set():
                        raise WaitStoppedError(
                            "stopped while it waited for its turn to be pushed to"
                        )
                    self._lock.wait(_LOOK_S)
                self._busy[hub] = self._busy.get(hub, 0) + 1
        finally:
            with self._lock:
                line.remove(me)
                self._lock.notify_all()
        try:
            yield
        finally:
            with self._lock:
                self._busy[hub] -= 1
                self._lock.notify_all()

    def _is_next(self, hub: str, me: object) -> bool:
        with self._lock:
            return self._waiting[hub][0] is me and self._busy.get(hub, 0) < self._limit
