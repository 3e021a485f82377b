"""All phones busy while any job fits: one worker thread a leased phone, one queue for all.

The decisions are `Dispatcher`'s, the memory is the ledger's; this file only has the threads. A
change of the queue and its line in the ledger are made under one lock, so that no other worker
sees one without the other.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.adb.errors import AdbError
from harness.errors import HarnessError
from harness.lab.attempt_state import AttemptEnd
from harness.lab.clock import Clock, StopSignal
from harness.lab.dispatch import Dispatcher, Ticket
from harness.lab.ledger import Ledger
from harness.lab.ports import LabPhone, PhoneStatus, Progress
from harness.results.model import AttemptResult

IDLE_POLL_S: Final = 0.5
_LOOK_S: Final = 0.05
"""How often an idle worker looks at Ctrl-C; a job that comes free wakes it at once."""
RECOVER_POLL_S: Final = 2.0


@dataclass(frozen=True)
class Work:
    """What the scheduler calls; all may be called from any worker.

    Args:
        attempt: Run one attempt: (job id, attempt number, phone, step callback) -> how it ended.
        recover: Bring a phone that was left unclean back to a clean state; raises what the phone
            raises while it is gone.
        leave: Clean a phone that gets no more jobs.
    """

    attempt: Callable[[str, int, LabPhone, Callable[[str], None]], AttemptEnd]
    recover: Callable[[LabPhone], None]
    leave: Callable[[LabPhone], None]


class Scheduler:
    """Runs a plan on leased phones.

    Args:
        dispatcher: The queue.
        ledger: The record.
        phones: The leased phones.
        work: What to do with a job.
        owner: Name of this process in the ledger.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        progress: Who wants to know.
        recover_s: How long a lost phone may take to come back.
    """

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        ledger: Ledger,
        phones: Sequence[LabPhone],
        work: Work,
        owner: str,
        stop: StopSignal,
        clock: Clock,
        progress: Progress,
        recover_s: float = 120.0,
    ) -> None:
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._phones: Mapping[str, LabPhone] = {phone.serial: phone for phone in phones}
        self._work = work
        self._owner = owner
        self._stop = stop
        self._clock = clock
        self._progress = progress
        self._recover_s = recover_s
        self._changed = threading.Condition()
        self._fatal: BaseException | None = None
        self._working = set(self._phones)

    def run(self) -> None:
        """Work until every job has an outcome, no phone can take what is left, or Ctrl-C.

        Must be called from the main thread for Ctrl-C to be heard: the first asks all workers to
        stop and release their phones, the second leaves at once.

        Raises:
            HarnessError: What kept a worker from recording its outcome (a full disk).
        """
        threads = [
            threading.Thread(
                target=self._worker, args=(phone,), name=f"phone-{serial}", daemon=True
            )
            for serial, phone in self._phones.items()
        ]
        for thread in threads:
            thread.start()
        # Not `join` or `is_alive`: before Python 3.13 a join that Ctrl-C interrupts takes a thread
        # that still works for one that has ended.
        while True:
            try:
                while self._working and not self._stop.hard.is_set():
                    time.sleep(_LOOK_S)
                break
            except KeyboardInterrupt:
                self._pressed()
        if self._fatal is not None:
            raise self._fatal
        if not self._stop.requested:
            self._skip_stranded()

    def _pressed(self) -> None:
        """Take a Ctrl-C and tell the workers."""
        second = self._stop.press()
        self._progress.note(
            "Leaving at once; `harness resume` will clean the phones."
            if second
            else "Stopping: trainers end, phones are released (Ctrl-C again to leave now)."
        )
        with self._changed:
            self._changed.notify_all()

    # -- a worker ---------------------------------------------------------------------------------

    def _worker(self, phone: LabPhone) -> None:
        try:
            self._serve(phone)
        except Exception as error:  # noqa: BLE001 - a worker's outermost loop: kept for `run`
            self._fail_run(error, phone)
        finally:
            with self._changed:
                self._dispatcher.phone_gone(phone.serial)
                self._working.discard(phone.serial)
                self._changed.notify_all()

    def _serve(self, phone: LabPhone) -> None:
        clean = True
        while clean and not self._stop.requested:
            taken = self._next(phone)
            if taken is None:
                break
            ticket, attempt = taken
            end = self._work.attempt(
                ticket.job_id,
                attempt,
                phone,
                lambda step, job=ticket.job_id, n=attempt: (  # type: ignore[misc]
                    self._ledger.attempt_step(job, n, step)
                ),
            )
            self._record(ticket, attempt, phone, end.result)
            clean = end.clean or self._recovered(phone)
        if clean:
            self._work.leave(phone)
            self._ledger.release(phone.serial)
            self._progress.phone(PhoneStatus(phone.serial, phone.record.profile, step="released"))
        else:
            # Its lease stays in the ledger: `resume` knows that it has to be cleaned.
            self._progress.note(f"{phone.serial} left the run without being cleaned.")

    def _next(self, phone: LabPhone) -> tuple[Ticket, int] | None:
        """Wait for the phone's next job; None when there will be none."""
        told = False
        with self._changed:
            while not self._stop.requested and self._fatal is None:
                ticket = self._dispatcher.take(phone.serial)
                if ticket is not None:
                    attempt = self._ledger.start_attempt(ticket.job_id, phone.serial, self._owner)
                    return ticket, attempt
                if not self._dispatcher.may_get_more(phone.serial):
                    return None
                if not told:
                    idle = PhoneStatus(phone.serial, phone.record.profile, step="idle")
                    self._progress.phone(idle)
                    told = True
                self._changed.wait(IDLE_POLL_S)
        return None

    def _record(self, ticket: Ticket, attempt: int, phone: LabPhone, result: AttemptResult) -> None:
        retried = False
        with self._changed:
            if result.failure is None:
                self._ledger.end_attempt(
                    ticket.job_id, attempt, state="finished", failure=None, job_state="finished"
                )
                for child in self._dispatcher.finished(ticket.job_id, phone.serial):
                    self._ledger.set_state(child, "queued", f"after {ticket.job_id}")
            elif result.failure.kind == "Interrupted":
                self._ledger.end_attempt(
                    ticket.job_id,
                    attempt,
                    state="failed",
                    failure="Interrupted",
                    job_state="queued",
                    reason="interrupted",
                )
                self._dispatcher.put_back(ticket.job_id)
            else:
                kind = result.failure.kind
                verdict, dropped = self._dispatcher.failed(ticket.job_id, phone.serial, kind)
                retried = verdict == "retry"
                self._ledger.end_attempt(
                    ticket.job_id,
                    attempt,
                    state="failed",
                    failure=kind,
                    job_state="queued" if verdict == "retry" else verdict,
                    reason=result.failure.message[:500],
                )
                for child in dropped:
                    self._ledger.set_state(child, "skipped", f"{ticket.job_id} {verdict}: {kind}")
            self._changed.notify_all()
        self._progress.ended(result, retried=retried)

    def _recovered(self, phone: LabPhone) -> bool:
        """Wait for a phone that was left unclean and clean it; False if it does not come back."""
        if self._stop.requested:
            return self._try_recover(phone) is None
        self._progress.phone(PhoneStatus(phone.serial, phone.record.profile, step="recovering"))
        until = self._clock.monotonic() + self._recover_s
        while True:
            trouble = self._try_recover(phone)
            if trouble is None:
                return True
            if self._clock.monotonic() >= until or self._stop.requested:
                self._progress.note(
                    f"{phone.serial} did not come back within {self._recover_s:g} s: {trouble}"
                )
                return False
            self._clock.wait(self._stop.gentle, RECOVER_POLL_S)

    def _try_recover(self, phone: LabPhone) -> AdbError | None:
        try:
            self._work.recover(phone)
        except AdbError as error:
            return error
        return None

    # -- ends -------------------------------------------------------------------------------------

    def _fail_run(self, error: Exception, phone: LabPhone) -> None:
        """Something that is not an attempt's failure: the run stops, the first reason is told."""
        with self._changed:
            if self._fatal is None:
                self._fatal = error
            self._stop.gentle.set()
            self._changed.notify_all()
        detail = "" if isinstance(error, HarnessError) else f"\n{traceback.format_exc()}"
        self._progress.note(f"{phone.serial}: the run stops: {error}{detail}")

    def _skip_stranded(self) -> None:
        """Say of jobs that nobody can take why they were not run."""
        with self._changed:
            for job_id in self._dispatcher.unfinished():
                self._dispatcher.skip(job_id)
                self._ledger.set_state(job_id, "skipped", "no phone left that fits")
