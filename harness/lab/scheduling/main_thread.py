"""Work in a thread of its own while the main thread hears Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from harness.lab.clock import StopSignal

_LOOK_S: Final = 0.05
"""How often the main thread looks whether the work is over; Ctrl-C interrupts the wait."""


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
