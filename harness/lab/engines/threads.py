"""The engine of one host: orders are carried out on phones within reach of this host.

Phones that are plugged in while the run goes on, or that another run has let go, join it. A phone
of the run that comes back at another place (another cable, another address) is reached there from
its next order on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

from harness.errors import HarnessError
from harness.lab.clock import StopSignal
from harness.lab.engines.order_threads import OrderThreads
from harness.lab.engines.phone_work import PhoneWork, tend
from harness.lab.ports import LabPhone
from harness.lab.run_view import RunView
from harness.lab.scheduling.engine import (
    Came,
    Ended,
    Order,
    Prepared,
    Report,
    RunAttempt,
    Stepped,
)

AT_ONCE: Final = 8
"""Phones that are prepared, cleaned or left at the same time; attempts are not held back."""
LOOK_S: Final = 5.0
"""How often the adb servers are asked what they list; only a phone that is new is asked itself."""


class ThreadEngine(OrderThreads):
    """See the module; an `harness.lab.scheduling.engine.Engine`.

    Args:
        work: What to do.
        run: The run; its phones are held.
        look: Finds the phones that are there now; None: none join later.
    """

    def __init__(
        self,
        work: PhoneWork,
        run: RunView,
        look: Callable[[], Sequence[LabPhone]] | None = None,
    ) -> None:
        super().__init__()
        self._work = work
        self._run = run
        self._phones = {phone.serial: phone for phone in run.phones}
        self._few = threading.BoundedSemaphore(AT_ONCE)
        self._stops: dict[RunAttempt, StopSignal] = {}
        """Of the attempts that run."""
        self._over, self._meeting = threading.Event(), threading.Lock()
        for phone in run.phones:
            self._reports.put(Came(phone))
        if look is not None:
            threading.Thread(target=self._look, args=(look,), name="joining", daemon=True).start()

    def submit(self, order: Order) -> None:
        """See `Engine`."""
        if isinstance(order, RunAttempt):
            self._stops[order] = self._run.stop.child()
        super().submit(order)

    def stop(self, *, hard: bool) -> None:
        """See `Engine`; attempts of this process hear the `StopSignal` themselves."""

    def cancel(self, order: RunAttempt, why: str) -> None:
        """See `Engine`."""
        stop = self._stops.get(order)
        if stop is not None:
            stop.withdraw(why)

    def close(self) -> None:
        """See `Engine`."""
        with self._meeting:  # not for a phone that is just asked and does not answer
            self._over.set()

    # -- orders -----------------------------------------------------------------------------------

    def _carry_out(self, order: Order) -> Report:
        if isinstance(order, RunAttempt):
            return self._attempt(order)
        with self._few:
            return self._tend(order)

    def _attempt(self, order: RunAttempt) -> Report:
        def on_step(step: str) -> None:
            self._reports.put(Stepped(order.serial, order.job_id, order.attempt, step))

        try:
            request = self._run.assignments.request(order, self._phones[order.serial])
            return Ended.of(order, self._work.attempt(request, self._stops[order], on_step))
        finally:
            del self._stops[order]

    def _tend(self, order: Order) -> Report:
        report = tend(self._work, order, self._phones[order.serial])
        if isinstance(report, Prepared) and report.phone is not None:
            self._phones[order.serial] = report.phone
        return report

    # -- phones that come -------------------------------------------------------------------------

    def _look(self, look: Callable[[], Sequence[LabPhone]]) -> None:
        while not self._over.wait(LOOK_S):
            # a server that does not answer, a lock that cannot be written: the next time
            with contextlib.suppress(HarnessError):
                for phone in look():
                    with self._meeting:
                        if not self._over.is_set():
                            self._meet(phone)

    def _meet(self, phone: LabPhone) -> None:
        known, run = self._phones.get(phone.serial), self._run
        if known is not None:
            if known.moved(phone):
                self._phones[phone.serial] = known.found_again(phone)
            return
        if run.stop.requested or not run.assignments.wants(phone) or not self._work.take(phone):
            return
        self._phones[phone.serial] = phone
        run.progress.note(f"{phone.serial} ({phone.info.profile or 'generic'}) joins the run.")
        self._reports.put(Came(phone))
