"""All phones busy while any job fits: what is decided when something happens, and the loop around.

`Scheduler.turn` takes the reports of an `Engine`, changes the queue and the ledger in one
transaction, and only then hands out the orders that follow: a host that dies in between has started
nothing that its ledger does not know. There are no threads and no clock of its own in here, so the
simulation (``tests/simulation``) drives the very same object as a run does.

Where a phone stands, and the names for it: `harness.lab.standing`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from harness.errors import HarnessError
from harness.lab.clock import Clock, StopSignal
from harness.lab.dispatch import Dispatcher, Ticket
from harness.lab.engine import (
    Broke,
    Came,
    Ended,
    Engine,
    Gone,
    Leave,
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
from harness.lab.ledger import Ledger
from harness.lab.main_thread import work_and_listen
from harness.lab.ports import LabPhone, PhoneStatus, Progress
from harness.lab.standing import OUT, RECOVER_POLL_S, Standing, Standings, State

RECOVER_POLL_MAX_S: Final = 60.0
PROBE_AFTER_S: Final = 60.0
"""First time in quarantine; doubled each time that the phone comes back to it."""
PROBE_AFTER_MAX_S: Final = 1800.0
ORDER_LIMIT_S: Final = 900.0
"""After so long without an answer a phone's host hangs: what it is asked has shorter limits."""
FATAL_GRACE_S: Final = 60.0
"""How long running attempts may take to release their phones when the run cannot go on."""
FOREVER_S: Final = 3600.0


@dataclass(frozen=True)
class Rules:
    """What the scheduler asks about a plan.

    Args:
        step_limit_s: (job, step) -> after how long in it the phone's host must hang.
        fits: Whether a phone that joins later may take a job like this.
        recover_s: How long a phone may be away when nothing else goes on.
        rejoin: Phone -> (job, attempt) that may still run there.
        finished: Whether (job, attempt) has left a good result, though nobody said so.
        prepared: Told each phone that takes part, with its notes.
    """

    step_limit_s: Callable[[str, str], float] = lambda _job, _step: float("inf")
    fits: Callable[[Ticket, LabPhone], bool] = lambda _ticket, _phone: False
    recover_s: float = 120.0
    rejoin: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    finished: Callable[[str, int], bool] = lambda _job, _attempt: False
    prepared: Callable[[LabPhone, tuple[str, ...]], None] = lambda _phone, _notes: None


class Scheduler:
    """Runs a plan on the phones that an engine offers.

    Args:
        dispatcher: The queue, with the phones that are expected.
        ledger: The record.
        engine: Who carries out orders.
        owner: Name of this process in the ledger.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        progress: Who wants to know.
        rules: What the plan says.
    """

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        ledger: Ledger,
        engine: Engine,
        owner: str,
        stop: StopSignal,
        clock: Clock,
        progress: Progress,
        rules: Rules | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._engine = engine
        self._owner = owner
        self._stop = stop
        self._clock = clock
        self._progress = progress
        self._rules = rules or Rules()
        self._rejoin = dict(self._rules.rejoin)
        self._phones = Standings()
        self._fresh: list[str] = []
        """Phones that became idle in this turn."""
        self._requeued: list[str] = []
        """Jobs that became free in this turn."""
        self._orders: list[Order] = []
        self._told: list[Callable[[], None]] = []
        self._seen_changes = dispatcher.changes
        self._started = self._quiet_since = clock.monotonic()
        self._fatal: Exception | None = None

    # -- the loop ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until every job has an outcome, no phone can take what is left, or Ctrl-C.

        Must be called from the main thread for Ctrl-C to be heard: the first asks all attempts to
        stop and release their phones, the second leaves at once.

        Raises:
            HarnessError: What kept an outcome from being recorded (a full disk).
        """
        work_and_listen(self._serve, self._stop, self._pressed)
        if self._fatal is not None:
            raise self._fatal

    def _pressed(self, second: bool) -> None:
        """Tell the engine of a Ctrl-C."""
        self._progress.note(
            "Leaving at once; `harness resume` will clean the phones."
            if second
            else "Stopping: trainers end, phones are released (Ctrl-C again to leave now)."
        )
        self._engine.stop(hard=second)

    def _serve(self) -> None:
        try:
            self.loop()
        except Exception as error:  # noqa: BLE001 - the thread's outermost: kept for `run`
            self._fatal = self._fatal or error
            self._progress.note(f"The run stops: {error}")
            self._let_end()

    def _let_end(self) -> None:
        """The ledger takes nothing more: let running attempts release their phones all the same."""
        self._stop.gentle.set()
        self._engine.stop(hard=False)
        until = self._clock.monotonic() + FATAL_GRACE_S
        running = {one.serial for one in self._phones if isinstance(one.order, RunAttempt)}
        while running and self._clock.monotonic() < until and not self._stop.hard.is_set():
            for report in self._engine.reports(1.0):
                if isinstance(report, (Ended, Gone, Broke)):
                    running.discard(report.serial)

    def loop(self) -> None:
        """Take turns until the run is over (`run` without its thread).

        Raises:
            HarnessError: The ledger cannot be written.
        """
        while not self.turn(self._engine.reports(self._wait_s())):
            pass

    def turn(self, reports: Sequence[Report]) -> bool:
        """Take reports, and hand out the orders that follow from them.

        Returns:
            Whether the run is over.

        Raises:
            HarnessError: The ledger cannot be written; no order was handed out.
        """
        with self._ledger.batch():
            for report in reports:
                self._on(report)
            self._on_time(self._clock.monotonic())
            self._give_work()
            over = self._is_over()
            if over and not self._stop.requested:
                self._skip_stranded()
        orders, self._orders = self._orders, []
        told, self._told = self._told, []
        for order in orders:
            self._engine.submit(order)
        for tell in told:
            tell()
        return over

    def _is_over(self) -> bool:
        if not self._phones.are_out() or self._rejoin:
            return False
        waited = self._clock.monotonic() - self._started >= self._rules.recover_s
        return len(self._phones) > 0 or waited or self._stop.requested

    def _skip_stranded(self) -> None:
        """Say of jobs that nobody can take why they were not run."""
        for job_id in self._dispatcher.unfinished():
            self._dispatcher.skip(job_id)
            self._ledger.set_state(job_id, "skipped", "no phone left that fits")

    # -- what is reported -------------------------------------------------------------------------

    def _on(self, report: Report) -> None:
        if isinstance(report, Came):
            self._came(report.phone)
            return
        one = self._phones.get(report.serial)
        if one is None:
            return
        if one.state == "absent" and not isinstance(report, (Gone, Broke, Stepped)):
            self._prepare(one)  # a host that hung has answered after all
        elif isinstance(report, Stepped):
            self._stepped(one, report)
        elif isinstance(report, Ended):
            self._ended(one, report)
        elif isinstance(report, Prepared):
            self._prepared(one, report)
        elif isinstance(report, Recovered):
            self._recovered(one, report)
        elif isinstance(report, Left):
            self._left(one, report)
        elif isinstance(report, Gone):
            self._absent(one, report.why)
        else:
            self._broke(one, report)

    def _came(self, phone: LabPhone) -> None:
        one = self._phones.get(phone.serial)
        if one is None:
            one = self._phones.add(phone)
            if phone.serial not in self._dispatcher.phones():
                self._dispatcher.phone_new(phone.serial, lambda t: self._rules.fits(t, phone))
        if one.state != "absent":
            return
        self._ledger.lease(
            phone.serial,
            adb_server=phone.info.adb_server,
            adb_serial=phone.record.adb_serial,
            work_dir=phone.work_dir,
            owner=self._owner,
        )
        one.phone, one.prepared = phone, False
        self._prepare(one)

    def _prepare(self, one: Standing) -> None:
        self._order(one, "preparing", Prepare(one.serial, keep=one.serial in self._rejoin))

    def _prepared(self, one: Standing, report: Prepared) -> None:
        if not one.answers(Prepare):
            return
        if report.phone is None:
            self._say(f"{one.serial} cannot be used yet: {report.trouble}")
            self._try_again(one, report.trouble)
            return
        phone, notes = report.phone, report.notes
        one.phone, one.prepared = phone, True
        self._told.append(lambda: self._rules.prepared(phone, notes))
        left = self._rejoin.pop(one.serial, None)
        if left is None:
            self._back(one)
            return
        self._dispatcher_has(one)
        self._ledger.adopt_attempt(*left, self._owner)
        self._order(one, "busy", RunAttempt(one.serial, *left, rejoin=True))

    def _stepped(self, one: Standing, report: Stepped) -> None:
        if one.runs(report):
            self._ledger.attempt_step(report.job_id, report.attempt, report.step)
            self._set_deadline(one, self._rules.step_limit_s(report.job_id, report.step))

    def _ended(self, one: Standing, report: Ended) -> None:
        if not one.runs(report):
            return  # of an attempt that was given up meanwhile
        one.order = None
        self._quiet_since = self._clock.monotonic()
        retried = self._record(report)
        if report.result is not None:
            result = report.result
            self._told.append(lambda: self._progress.ended(result, retried=retried))
        if not report.clean:
            one.suspect = self._dispatcher.is_suspect(one.serial)
            self._go_away(one, "away", report.message, delay=0.0)
        elif self._dispatcher.is_suspect(one.serial):
            self._quarantine(one)
        else:
            self._be_idle(one)

    def _record(self, report: Ended) -> bool:
        """Write down how an attempt ended; return whether its job runs again."""
        job, n, kind = report.job_id, report.attempt, report.kind
        if report.lost or kind == "Interrupted":
            why = "nothing was left to rejoin" if report.lost else "interrupted"
            self._back_to_queue(job, n, "lost" if report.lost else "failed", kind, why)
            return report.lost
        if kind is None:
            self._ledger.end_attempt(job, n, state="finished", failure=None, job_state="finished")
            for child in self._dispatcher.finished(job, report.serial):
                self._ledger.set_state(child, "queued", f"after {job}")
                self._requeued.append(child)
            return False
        verdict, dropped = self._dispatcher.failed(job, report.serial, kind)
        self._ledger.end_attempt(
            job,
            n,
            state="failed",
            failure=kind,
            job_state="queued" if verdict == "retry" else verdict,
            reason=report.message[:500],
        )
        if verdict == "retry":
            self._requeued.append(job)
        for child in dropped:
            self._ledger.set_state(child, "skipped", f"{job} {verdict}: {kind}")
        return verdict == "retry"

    def _back_to_queue(self, job: str, n: int, state: str, failure: str | None, why: str) -> None:
        """End an attempt that is nobody's failure; its job runs again and counts no try."""
        self._ledger.end_attempt(
            job, n, state=state, failure=failure, job_state="queued", reason=why[:500]
        )
        self._dispatcher.put_back(job)
        self._requeued.append(job)

    def _recovered(self, one: Standing, report: Recovered) -> None:
        if not one.answers(Recover):
            return
        if report.trouble:
            self._try_again(one, report.trouble)
        else:
            self._back(one)

    def _left(self, one: Standing, report: Left) -> None:
        if not one.answers(Leave):
            return
        if report.trouble:
            self._go_away(one, "away", report.trouble)
            return
        self._phones.set(one, "left")
        self._ledger.release(one.serial)
        self._show(one, "released")

    def _broke(self, one: Standing, report: Broke) -> None:
        """Something that is not an attempt's failure: the run stops, the first reason is told."""
        self._fatal = self._fatal or report.error
        self._stop.gentle.set()
        self._engine.stop(hard=False)
        error, detail = report.error, ""
        if not isinstance(error, HarnessError):
            detail = "".join(
                ["\n", *traceback.format_exception(type(error), error, error.__traceback__)]
            )
        self._say(f"{report.serial}: the run stops: {error}{detail}")
        one.trouble = str(error)
        self._give_up(one)

    # -- phones that come and go ------------------------------------------------------------------

    def _order(self, one: Standing, state: State, order: Order) -> None:
        self._phones.set(one, state)
        one.order = order
        self._set_deadline(one, ORDER_LIMIT_S)
        self._orders.append(order)

    def _dispatcher_has(self, one: Standing) -> None:
        if one.serial not in self._dispatcher.phones():
            self._dispatcher.phone_back(one.serial, on_probation=one.suspect)
            if one.suspect:
                self._say(f"{one.serial} passed its probe and gets jobs again.")
        one.suspect = False
        one.delay = RECOVER_POLL_S

    def _back(self, one: Standing) -> None:
        self._dispatcher_has(one)
        self._be_idle(one)

    def _be_idle(self, one: Standing) -> None:
        self._phones.set(one, "idle")
        self._fresh.append(one.serial)

    def _go_away(
        self,
        one: Standing,
        state: Literal["away", "absent"],
        why: str,
        *,
        delay: float = RECOVER_POLL_S,
    ) -> None:
        """The phone is lost, unclean or suspect: no jobs until it is back."""
        self._phones.set(one, state)
        self._dispatcher.phone_away(one.serial)
        one.since = self._clock.monotonic()
        one.trouble = why
        one.retry_at = one.since + delay
        self._phones.look_at(one, one.retry_at)
        self._show(one, "recovering" if not one.suspect else "quarantined")

    def _try_again(self, one: Standing, trouble: str) -> None:
        if one.serial in self._dispatcher.phones():
            self._go_away(one, "away", trouble)
        else:
            self._phones.set(one, "away")
            one.trouble = trouble
            one.delay = min(one.delay * 1.5, RECOVER_POLL_MAX_S)
            one.retry_at = self._clock.monotonic() + one.delay
            self._phones.look_at(one, one.retry_at)
        if self._stop.requested:
            self._give_up(one)

    def _quarantine(self, one: Standing) -> None:
        wait = min(PROBE_AFTER_S * 2**one.quarantines, PROBE_AFTER_MAX_S)
        one.quarantines += 1
        one.suspect = True
        self._go_away(one, "away", "it failed again and again", delay=wait)
        self._say(
            f"{one.serial} failed again and again: it gets no jobs until it has passed a probe, "
            f"in {wait:.0f} s or when nothing else goes on."
        )

    def _absent(self, one: Standing, why: str) -> None:
        """Its host is out of reach, or hangs: what ran there goes elsewhere."""
        if one.state in OUT or one.state == "absent":
            return
        order, one.order = one.order, None
        if isinstance(order, RunAttempt):
            self._quiet_since = self._clock.monotonic()
            if self._rules.finished(order.job_id, order.attempt):
                self._record(Ended(one.serial, order.job_id, order.attempt))
            else:
                self._back_to_queue(order.job_id, order.attempt, "lost", None, why)
        self._go_away(one, "absent", why)
        self._say(f"{one.serial} is out of reach: {why}")

    def _give_up(self, one: Standing) -> None:
        # Its lease stays in the ledger: `resume` knows that it has to be cleaned.
        one.order = None
        self._lose_rejoin(one.serial)
        self._phones.set(one, "given up")
        self._dispatcher.phone_gone(one.serial)
        self._say(f"{one.serial} left the run without being cleaned: {one.trouble}")

    def _lose_rejoin(self, serial: str) -> None:
        left = self._rejoin.pop(serial, None)
        if left is not None:
            self._back_to_queue(*left, "lost", None, "its phone does not answer")

    # -- time -------------------------------------------------------------------------------------

    def _set_deadline(self, one: Standing, seconds: float) -> None:
        one.deadline = self._clock.monotonic() + seconds
        if seconds != float("inf"):
            self._phones.look_at(one, one.deadline)

    def _wait_s(self) -> float:
        """Return how long nothing has to be done unless something is reported."""
        now = self._clock.monotonic()
        next_due = self._phones.next_due()
        due = [now + FOREVER_S if next_due is None else next_due]
        if self._rejoin or not len(self._phones):
            due.append(self._started + self._rules.recover_s)
        if self._phones.only_wait():
            due += [
                self._patient_until(one)
                for one in self._phones.waiting()
                if one.state != "recovering"
            ]
        return max(0.0, min(due) - now)

    def _on_time(self, now: float) -> None:
        """Do what is due: hanging hosts, phones to be tried again or given up."""
        if self._rejoin and now >= self._started + self._rules.recover_s:
            for serial in list(self._rejoin):
                self._lose_rejoin(serial)
        for one in self._phones.due(now):
            if one.order is not None and now >= one.deadline:
                self._absent(one, f"no answer to {type(one.order).__name__} in time")
            elif one.state == "away" and now >= one.retry_at:
                self._ask(one)
        if self._stop.requested or self._phones.only_wait():
            for one in self._phones.waiting():
                self._look_at_waiting(one, now)

    def _look_at_waiting(self, one: Standing, now: float) -> None:
        """Nothing else goes on: hurry with the phones that are away, or end it."""
        if one.state == "recovering":
            return
        if self._stop.requested:
            if one.state == "absent":
                self._give_up(one)
            else:
                self._ask(one)  # once more; then it is given up
        elif now >= self._patient_until(one):
            self._give_up(one)
        elif one.state == "away" and one.suspect and one.delay == RECOVER_POLL_S:
            self._ask(one)  # no reason to let it wait out its quarantine

    def _ask(self, one: Standing) -> None:
        if not one.prepared:
            self._prepare(one)
        else:
            self._order(one, "recovering", Recover(one.serial, thorough=one.suspect))

    def _patient_until(self, one: Standing) -> float:
        """Return until when a phone that is away is waited for when nothing else goes on."""
        since = one.since
        if self._dispatcher.may_get_more(one.serial, back=True):
            since = max(since, self._quiet_since)
        return since + self._rules.recover_s

    # -- work -------------------------------------------------------------------------------------

    def _give_work(self) -> None:
        fresh, self._fresh = self._fresh, []
        requeued, self._requeued = self._requeued, []
        for serial in sorted(fresh, key=self._dispatcher.is_warm):  # a cool one waits at no gate
            self._employ(serial)
        for job_id in requeued:
            taker = next(
                (one for one in self._phones.idle if self._dispatcher.fits(job_id, one)), None
            )
            if taker is not None:
                self._employ(taker)
        while self._dispatcher.changes != self._seen_changes or self._stop.requested:
            self._seen_changes = self._dispatcher.changes
            for serial in list(self._phones.idle):
                self._employ(serial)
            if not self._phones.idle:
                break
        if self._phones.idle and self._phones.only_wait() and not self._phones.waiting():
            for serial in list(self._phones.idle):  # what is left waits for what will never come
                self._leave(self._phones[serial])

    def _employ(self, serial: str) -> None:
        """Give an idle phone a job, or let it go if there will be none."""
        one = self._phones[serial]
        if one.state != "idle":
            return
        if self._stop.requested:
            self._leave(one)
            return
        ticket = self._dispatcher.take(serial)
        if ticket is not None:
            number = self._ledger.start_attempt(ticket.job_id, serial, self._owner)
            self._order(one, "busy", RunAttempt(serial, ticket.job_id, number))
        elif self._dispatcher.may_get_more(serial):
            self._show(one, "idle")
        else:
            self._leave(one)

    def _leave(self, one: Standing) -> None:
        self._order(one, "leaving", Leave(one.serial))

    # -- telling ----------------------------------------------------------------------------------

    def _show(self, one: Standing, step: str) -> None:
        status = PhoneStatus(one.serial, one.phone.record.profile, step=step)
        self._told.append(lambda: self._progress.phone(status))

    def _say(self, text: str) -> None:
        self._told.append(lambda: self._progress.note(text))
