"""The engine of one host: every order in a thread of its own, on phones within reach of this host.

A phone has one order at a time, so there are at most as many threads as phones.
"""

from __future__ import annotations

import os
import queue
import secrets
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from harness.adb.errors import AdbError
from harness.lab.attempt_state import AttemptEnd
from harness.lab.engine import (
    Broke,
    Came,
    Ended,
    Left,
    Order,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
    Stepped,
)
from harness.lab.ports import LabPhone, Tools

POLL_S: Final = 0.5
"""How long one wait lasts at most: a Ctrl-C that came otherwise than by a report is seen then."""
AT_ONCE: Final = 8
"""Phones that are prepared, cleaned or left at the same time; attempts are not held back."""
PROBE_BYTES: Final = 65536
PROBE_LIMIT_S: Final = 60.0


class Work(Protocol):
    """What is done to phones; called from many threads, one a phone."""

    def prepare(self, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
        """Make a phone ready; return it with its capabilities, and notes.

        Raises:
            AdbError: It does not answer.
        """
        ...

    def attempt(
        self, order: RunAttempt, phone: LabPhone, on_step: Callable[[str], None]
    ) -> AttemptEnd | None:
        """Run an attempt; None if there was nothing to rejoin.

        Raises:
            HarnessError: Its outcome cannot be written.
        """
        ...

    def recover(self, phone: LabPhone, *, thorough: bool) -> None:
        """Clean a phone.

        Raises:
            AdbError: It does not answer.
        """
        ...

    def leave(self, phone: LabPhone) -> None:
        """Clean a phone that gets no more jobs.

        Raises:
            AdbError: It does not answer.
        """
        ...


class ThreadEngine:
    """See the module; an `harness.lab.engine.Engine`.

    Args:
        work: What to do.
        phones: The leased phones.
    """

    def __init__(self, work: Work, phones: Sequence[LabPhone]) -> None:
        self._work = work
        self._phones = {phone.serial: phone for phone in phones}
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._few = threading.BoundedSemaphore(AT_ONCE)
        for phone in phones:
            self._reports.put(Came(phone))

    def submit(self, order: Order) -> None:
        """See `Engine`."""
        name = f"phone-{order.serial}"
        threading.Thread(target=self._do, args=(order,), name=name, daemon=True).start()

    def join(self, phone: LabPhone) -> None:
        """Offer a leased phone that came later; from any thread."""
        self._phones[phone.serial] = phone
        self._reports.put(Came(phone))

    def found(self, phone: LabPhone) -> None:
        """Reach a phone of the run where it is now, from its next order on; from any thread."""
        known = self._phones[phone.serial]
        if known.moved(phone):
            self._phones[phone.serial] = known.found_again(phone)

    def reports(self, wait_s: float) -> list[Report]:
        """See `Engine`."""
        return waiting(self._reports, wait_s)

    def post(self, report: Report) -> None:
        """See `Engine`."""
        self._reports.put(report)

    def stop(self, *, hard: bool) -> None:
        """See `Engine`; attempts of this process hear the `StopSignal` themselves."""

    def close(self) -> None:
        """See `Engine`."""

    def _do(self, order: Order) -> None:
        try:
            if isinstance(order, RunAttempt):
                report = self._attempt(order)
            else:
                with self._few:
                    report = self._tend(order)
        except Exception as error:  # noqa: BLE001 - the thread's outermost: the run must hear of it
            report = Broke(order.serial, error)
        self._reports.put(report)

    def _attempt(self, order: RunAttempt) -> Report:
        def on_step(step: str) -> None:
            self._reports.put(Stepped(order.serial, order.job_id, order.attempt, step))

        return Ended.of(order, self._work.attempt(order, self._phones[order.serial], on_step))

    def _tend(self, order: Order) -> Report:
        phone = self._phones[order.serial]
        try:
            if isinstance(order, Prepare):
                phone, notes = self._work.prepare(phone, keep=order.keep)
                self._phones[order.serial] = phone
                return Prepared(order.serial, phone, tuple(notes))
            if isinstance(order, Recover):
                self._work.recover(phone, thorough=order.thorough)
                return Recovered(order.serial)
            self._work.leave(phone)
            return Left(order.serial)
        except AdbError as error:
            if isinstance(order, Prepare):
                return Prepared(order.serial, None, trouble=str(error))
            if isinstance(order, Recover):
                return Recovered(order.serial, str(error))
            return Left(order.serial, str(error))


def waiting(reports: queue.SimpleQueue[Report], wait_s: float) -> list[Report]:
    """Return what has come; see `Engine.reports`."""
    found: list[Report] = []
    try:
        found.append(reports.get(timeout=min(wait_s, POLL_S)))
        while True:
            found.append(reports.get_nowait())
    except queue.Empty:
        return found


def prepare_phone(tools: Tools, phone: LabPhone, *, keep: bool) -> tuple[LabPhone, Sequence[str]]:
    """Undo what an owner before may have left (not with ``keep``), see what the phone can do.

    Raises:
        AdbError: It does not answer.
    """
    notes = () if keep else tuple(tools.clean(phone, speech=False))
    found = tools.probe(phone)
    return replace(phone, info=phone.info.model_copy(update={"capabilities": found})), notes


class ProbeError(AdbError):
    """A phone gave back other bytes than were sent."""


def check_phone(tools: Tools, phone: LabPhone) -> None:
    """Copy something to a phone and back: what a phone in quarantine has to pass.

    Raises:
        AdbError: It does not answer, or what came back is not what was sent.
    """
    sent = os.urandom(PROBE_BYTES)
    path = f"{phone.work_dir}/probe-{secrets.token_hex(4)}"
    tools.write(phone, path, sent)
    try:
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            local = Path(folder) / "back"
            tools.pull(phone, path, local, PROBE_LIMIT_S)
            if local.read_bytes() != sent:
                raise ProbeError(f"{phone.serial}: gives back other bytes than were sent")
    finally:
        tools.remove(phone, [path])
