"""Ctrl-C while steps are taken: a request that the loop answers when its state is whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible_between_steps() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a request; yield what tells whether there is one.

    A second one interrupts wherever it finds the process. Outside the main thread, where signals
    cannot be handled, nothing is ever asked.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in _NUMBERS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, _frame: object) -> None:
        asked.append(number)
        restore()

    for number in _NUMBERS:
        signal.signal(number, ask)
    try:
        yield lambda: bool(asked)
    finally:
        restore()
