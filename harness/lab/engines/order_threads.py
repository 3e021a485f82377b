"""What the engines share: every order in a thread of its own, every answer in one queue."""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from typing import Final

from harness.lab.failures import host_error
from harness.lab.scheduling.engine import Broke, Order, Report

POLL_S: Final = 0.5
"""How long one wait lasts at most: a Ctrl-C that came otherwise than by a report is seen then."""


class OrderThreads(ABC):
    """Half of an `harness.lab.scheduling.engine.Engine`.

    A phone has one order at a time, so there are at most as many threads as phones.
    """

    def __init__(self) -> None:
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()

    @abstractmethod
    def _carry_out(self, order: Order) -> Report | None:
        """Return the answer to an order; None where its phone's `Gone` is the answer."""

    def submit(self, order: Order) -> None:
        """See `Engine`."""
        name = f"phone-{order.serial}"
        threading.Thread(target=self._do, args=(order,), name=name, daemon=True).start()

    def reports(self, wait_s: float) -> list[Report]:
        """See `Engine`."""
        come: list[Report] = []
        try:
            come.append(self._reports.get(timeout=min(wait_s, POLL_S)))
            while True:
                come.append(self._reports.get_nowait())
        except queue.Empty:
            return come

    def post(self, report: Report) -> None:
        """See `Engine`."""
        self._reports.put(report)

    def _do(self, order: Order) -> None:
        report: Report | None
        try:
            report = self._carry_out(order)
        except Exception as error:  # noqa: BLE001 - the thread's outermost: the run must hear of it
            report = Broke(order.serial, host_error(error) or error)
        if report is not None:
            self._reports.put(report)
