"""All phones busy while any job fits: what is decided when something happens, and the loop around.

`Scheduler.turn` takes the reports of an `Engine`, changes the queue and the ledger in one
transaction, and only then hands out the orders that follow: a host that dies in between has started
nothing that its ledger does not know. There are no threads and no clock of its own in here, so the
simulation (``tests/simulation``) drives the very same object as a run does.

Where a phone stands, and the names for it: `harness.lab.scheduling.standing`. What is left to do,
and what follows from how a task ended: `harness.lab.scheduling.agenda`.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from harness.errors import HarnessError
from harness.lab.clock import Clock, StopSignal, work_and_listen
from harness.lab.ledger.ledger import Ledger
from harness.lab.ports import LabPhone, PhoneStatus, Progress
from harness.lab.scheduling.agenda import Agenda, Outcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.engine import (
    Awaited,
    Broke,
    Came,
    Ended,
    Engine,
    Gone,
    HostEnded,
    HostEngine,
    Leave,
    Left,
    NoMoreTasks,
    Order,
    PhoneReport,
    Prepare,
    Prepared,
    Recover,
    Recovered,
    Report,
    RunAttempt,
    RunOnHost,
    Stepped,
    TaskReport,
    TasksAdded,
    TasksWithdrawn,
)
from harness.lab.scheduling.intake import Intake
from harness.lab.scheduling.standing import OUT, RECOVER_POLL_S, Standing, Standings, State

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
        settled: Told what each task came to, once the ledger holds it.
    """

    step_limit_s: Callable[[str, str], float] = lambda _job, _step: float("inf")
    fits: Callable[[Ticket, LabPhone], bool] = lambda _ticket, _phone: False
    recover_s: float = 120.0
    rejoin: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    finished: Callable[[str, int], bool] = lambda _job, _attempt: False
    prepared: Callable[[LabPhone, tuple[str, ...]], None] = lambda _phone, _notes: None
    settled: Callable[[Outcome], None] = lambda _outcome: None


class Scheduler:
    """Runs a plan on the phones that an engine offers.

    Args:
        agenda: What is left to do, with the phones that are expected.
        ledger: The record.
        engine: Who carries out orders for phones.
        host: Who carries out tasks on the host; None where there are none.
        owner: Name of this process in the ledger.
        stop: The user's Ctrl-C.
        clock: Where the time comes from.
        progress: Who wants to know.
        rules: What the plan says.
    """

    def __init__(
        self,
        *,
        agenda: Agenda,
        ledger: Ledger,
        engine: Engine,
        host: HostEngine | None = None,
        owner: str,
        stop: StopSignal,
        clock: Clock,
        progress: Progress,
        rules: Rules | None = None,
    ) -> None:
        self._agenda = agenda
        self._dispatcher = agenda.dispatcher
        self._ledger = ledger
        self._engine = engine
        self._host = host
        self._owner = owner
        self._stop = stop
        self._clock = clock
        self._progress = progress
        self._rules = rules or Rules()
        self._rejoin = dict(self._rules.rejoin)
        self._phones = Standings()
        self._fresh: list[str] = []
        """Phones that became idle in this turn."""
        self._orders: list[Order] = []
        self._host_orders: list[RunOnHost] = []
        self._afterwards: list[Callable[[], None]] = []
        self._seen_changes = self._dispatcher.changes
        self._started = self._quiet_since = clock.monotonic()
        self._fatal: Exception | None = None
        self._intakes = 0
        """How many of them are open."""
        self._awaited: list[Awaited] = []
        """Reports of this turn that somebody waits for."""
        self._thread: int | None = None

    def open_intake(self) -> Intake:
        """Return where tasks are added while the run goes on; call it before the run begins.

        The run does not end, and lets no phone go, before it is closed.
        """
        self._intakes += 1
        return Intake(self._agenda.register, self._engine.post, self._is_own_thread)

    def _is_own_thread(self) -> bool:
        return threading.get_ident() == self._thread

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
            self._let_end(str(error))
            self._refuse_tasks(str(error))

    def _let_end(self, why: str) -> None:
        """The ledger takes nothing more: let running attempts release their phones all the same."""
        self._agenda.register.close(why)
        self._stop.gentle.set()
        self._engine.stop(hard=False)
        until = self._clock.monotonic() + FATAL_GRACE_S
        running = {
            standing.serial for standing in self._phones if isinstance(standing.order, RunAttempt)
        }
        while running and self._clock.monotonic() < until and not self._stop.hard.is_set():
            for report in self._engine.reports(1.0):
                if isinstance(report, (Ended, Gone, Broke)):
                    running.discard(report.serial)
                elif isinstance(report, Awaited):
                    report.refuse(why)

    def loop(self) -> None:
        """Take turns until the run is over (`run` without its thread).

        Raises:
            HarnessError: The ledger cannot be written.
        """
        self._thread = threading.get_ident()
        while not self.turn(self._engine.reports(self._wait_s())):
            pass
        self._refuse_tasks("the run has ended")

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
            self._agenda.on_time()
            self._on_time(self._clock.monotonic())
            self._give_work()
            over = self._is_over()
        self._let_out()
        return over

    def _let_out(self) -> None:
        """The ledger holds it: hand out orders, and tell who wants to know."""
        outcomes, self._agenda.outcomes = self._agenda.outcomes, []
        orders, self._orders = self._orders, []
        host_orders, self._host_orders = self._host_orders, []
        afterwards, self._afterwards = self._afterwards, []
        awaited, self._awaited = self._awaited, []
        for order in orders:
            self._engine.submit(order)
        for host_order in host_orders:
            assert self._host is not None, "a task for the host, and nobody who runs it"
            self._host.submit(host_order)
        for report in awaited:
            report.done.set()
        for act in afterwards:
            act()
        for outcome in outcomes:
            self._rules.settled(outcome)

    def _is_over(self) -> bool:
        if not self._phones.are_out() or self._rejoin or self._agenda.host_runs:
            return False
        if self._stop.requested:
            return True
        if self._intakes or self._dispatcher.queued or self._agenda.host_is_busy:
            return False
        return len(self._phones) > 0 or not self._dispatcher.has_open or self._has_waited()

    def _has_waited(self) -> bool:
        return self._clock.monotonic() >= self._started + self._rules.recover_s

    def _refuse_tasks(self, why: str) -> None:
        """Take no more tasks: neither later ones nor those on their way."""
        self._agenda.register.close(why)
        for report in (*self._awaited, *self._engine.reports(0.0)):
            if isinstance(report, Awaited):
                report.refuse(why)

    # -- what is reported -------------------------------------------------------------------------

    def _on(self, report: Report) -> None:
        if isinstance(report, Came):
            self._came(report.phone)
        elif isinstance(report, (HostEnded, Awaited, NoMoreTasks)):
            self._on_tasks(report)
        else:
            standing = self._phones.get(report.serial)
            if standing is not None:
                self._on_phone(standing, report)

    def _on_phone(self, standing: Standing, report: PhoneReport) -> None:
        if standing.state == "absent" and not isinstance(report, (Gone, Broke, Stepped)):
            self._prepare(standing)  # a host that hung has answered after all
        elif isinstance(report, Stepped):
            self._stepped(standing, report)
        elif isinstance(report, Ended):
            self._ended(standing, report)
        elif isinstance(report, Prepared):
            self._prepared(standing, report)
        elif isinstance(report, Recovered):
            self._recovered(standing, report)
        elif isinstance(report, Left):
            self._left(standing, report)
        elif isinstance(report, Gone):
            self._absent(standing, report.why)
        else:
            self._broke(standing, report)

    def _on_tasks(self, report: TaskReport) -> None:
        self._quiet_since = self._clock.monotonic()
        if isinstance(report, TasksAdded):
            self._awaited.append(report)
            self._agenda.add(report.tickets)
        elif isinstance(report, TasksWithdrawn):
            self._awaited.append(report)
            self._withdraw(report)
        elif isinstance(report, NoMoreTasks):
            self._intakes -= 1
            self._seen_changes = -1  # phones that were kept for what might come
        elif report.error is not None:
            self._agenda.forget_on_host(report.task_id)
            self._end_all(f"task {report.task_id}", report.error)
        else:
            self._agenda.end_on_host(report)

    def _withdraw(self, report: TasksWithdrawn) -> None:
        running = self._agenda.withdraw(report.job_ids, report.why)
        for standing in self._phones:
            order = standing.order
            if isinstance(order, RunAttempt) and order.job_id in running:
                self._afterwards.append(partial(self._engine.cancel, order, report.why))

    def _came(self, phone: LabPhone) -> None:
        standing = self._phones.get(phone.serial)
        if standing is None:
            standing = self._phones.add(phone)
            if phone.serial not in self._dispatcher.phones():
                self._dispatcher.phone_new(phone.serial, lambda t: self._rules.fits(t, phone))
        if standing.state != "absent":
            return
        self._ledger.lease(
            phone.serial,
            adb_server=phone.info.adb_server,
            adb_serial=phone.record.adb_serial,
            work_dir=phone.work_dir,
            owner=self._owner,
        )
        standing.phone, standing.prepared = phone, False
        self._prepare(standing)

    def _prepare(self, standing: Standing) -> None:
        self._order(
            standing, "preparing", Prepare(standing.serial, keep=standing.serial in self._rejoin)
        )

    def _prepared(self, standing: Standing, report: Prepared) -> None:
        if not standing.answers(Prepare):
            return
        if report.phone is None:
            self._say(f"{standing.serial} cannot be used yet: {report.trouble}")
            self._try_again(standing, report.trouble)
            return
        phone, notes = report.phone, report.notes
        standing.phone, standing.prepared = phone, True
        self._afterwards.append(lambda: self._rules.prepared(phone, notes))
        left = self._rejoin.pop(standing.serial, None)
        if left is None:
            self._back(standing)
            return
        if self._agenda.is_withdrawn(left[0]):
            self._agenda.put_back(*left, "lost", None, "withdrawn")
            self._prepare(standing)  # and this time it is cleaned
            return
        self._dispatcher_has(standing)
        self._ledger.adopt_attempt(*left, self._owner)
        self._order(standing, "busy", RunAttempt(standing.serial, *left, rejoin=True))

    def _stepped(self, standing: Standing, report: Stepped) -> None:
        if standing.runs(report):
            self._ledger.attempt_step(report.job_id, report.attempt, report.step)
            self._set_deadline(standing, self._rules.step_limit_s(report.job_id, report.step))

    def _ended(self, standing: Standing, report: Ended) -> None:
        if not standing.runs(report):
            return  # of an attempt that was given up meanwhile
        standing.order = None
        self._quiet_since = self._clock.monotonic()
        retried = self._agenda.end(report)
        if report.result is not None:
            result = report.result
            self._afterwards.append(lambda: self._progress.ended(result, retried=retried))
        if not report.clean:
            standing.suspect = self._dispatcher.is_suspect(standing.serial)
            self._go_away(standing, "away", report.message, delay=0.0)
        elif self._dispatcher.is_suspect(standing.serial):
            self._quarantine(standing)
        else:
            self._be_idle(standing)

    def _recovered(self, standing: Standing, report: Recovered) -> None:
        if not standing.answers(Recover):
            return
        if report.trouble:
            self._try_again(standing, report.trouble)
        else:
            self._back(standing)

    def _left(self, standing: Standing, report: Left) -> None:
        if not standing.answers(Leave):
            return
        if report.trouble:
            self._go_away(standing, "away", report.trouble)
            return
        self._phones.set(standing, "left")
        self._ledger.release(standing.serial)
        self._show(standing, "released")

    def _broke(self, standing: Standing, report: Broke) -> None:
        """Something that is not an attempt's failure: the run stops."""
        self._end_all(report.serial, report.error)
        standing.trouble = str(report.error)
        self._give_up(standing)

    def _end_all(self, where: str, error: Exception) -> None:
        """The run cannot go on; the first reason is what it ends with."""
        self._fatal = self._fatal or error
        self._stop.gentle.set()
        self._engine.stop(hard=False)
        detail = ""
        if not isinstance(error, HarnessError):
            detail = "".join(
                ["\n", *traceback.format_exception(type(error), error, error.__traceback__)]
            )
        self._say(f"{where}: the run stops: {error}{detail}")

    # -- phones that come and go ------------------------------------------------------------------

    def _order(self, standing: Standing, state: State, order: Order) -> None:
        self._phones.set(standing, state)
        standing.order = order
        self._set_deadline(standing, ORDER_LIMIT_S)
        self._orders.append(order)

    def _dispatcher_has(self, standing: Standing) -> None:
        if standing.serial not in self._dispatcher.phones():
            self._dispatcher.phone_back(standing.serial, on_probation=standing.suspect)
            if standing.suspect:
                self._say(f"{standing.serial} passed its probe and gets jobs again.")
        standing.suspect = False
        standing.delay = RECOVER_POLL_S

    def _back(self, standing: Standing) -> None:
        self._dispatcher_has(standing)
        self._be_idle(standing)

    def _be_idle(self, standing: Standing) -> None:
        self._phones.set(standing, "idle")
        self._fresh.append(standing.serial)

    def _go_away(
        self,
        standing: Standing,
        state: Literal["away", "absent"],
        why: str,
        *,
        delay: float = RECOVER_POLL_S,
    ) -> None:
        """The phone is lost, unclean or suspect: no jobs until it is back."""
        self._phones.set(standing, state)
        self._dispatcher.phone_away(standing.serial)
        standing.since = self._clock.monotonic()
        standing.trouble = why
        standing.retry_at = standing.since + delay
        self._phones.look_at(standing, standing.retry_at)
        self._show(standing, "recovering" if not standing.suspect else "quarantined", why)

    def _try_again(self, standing: Standing, trouble: str) -> None:
        if standing.serial in self._dispatcher.phones():
            self._go_away(standing, "away", trouble)
        else:
            self._phones.set(standing, "away")
            standing.trouble = trouble
            standing.delay = min(standing.delay * 1.5, RECOVER_POLL_MAX_S)
            standing.retry_at = self._clock.monotonic() + standing.delay
            self._phones.look_at(standing, standing.retry_at)
        if self._stop.requested:
            self._give_up(standing)

    def _quarantine(self, standing: Standing) -> None:
        wait = min(PROBE_AFTER_S * 2**standing.quarantines, PROBE_AFTER_MAX_S)
        standing.quarantines += 1
        standing.suspect = True
        self._go_away(standing, "away", "it failed again and again", delay=wait)
        self._say(
            f"{standing.serial} failed again and again: it gets no jobs until it has passed a "
            f"probe, in {wait:.0f} s or when nothing else goes on."
        )

    def _absent(self, standing: Standing, why: str) -> None:
        """Its host is out of reach, or hangs: what ran there goes elsewhere."""
        if standing.state in OUT or standing.state == "absent":
            return
        order, standing.order = standing.order, None
        if isinstance(order, RunAttempt):
            self._quiet_since = self._clock.monotonic()
            if self._rules.finished(order.job_id, order.attempt):
                self._agenda.end(Ended(standing.serial, order.job_id, order.attempt))
            else:
                self._agenda.put_back(order.job_id, order.attempt, "lost", None, why)
        self._go_away(standing, "absent", why)
        self._say(f"{standing.serial} is out of reach: {why}")

    def _give_up(self, standing: Standing) -> None:
        # Its lease stays in the ledger: `resume` knows that it has to be cleaned.
        standing.order = None
        self._lose_rejoin(standing.serial)
        self._phones.set(standing, "given up")
        self._dispatcher.phone_gone(standing.serial)
        self._say(f"{standing.serial} left the run without being cleaned: {standing.trouble}")

    def _lose_rejoin(self, serial: str) -> None:
        left = self._rejoin.pop(serial, None)
        if left is not None:
            self._agenda.put_back(*left, "lost", None, "its phone does not answer")

    # -- time -------------------------------------------------------------------------------------

    def _set_deadline(self, standing: Standing, seconds: float) -> None:
        standing.deadline = self._clock.monotonic() + seconds
        if seconds != float("inf"):
            self._phones.look_at(standing, standing.deadline)

    def _wait_s(self) -> float:
        """Return how long nothing has to be done unless something is reported."""
        now = self._clock.monotonic()
        next_due = self._phones.next_due()
        due = [now + FOREVER_S if next_due is None else next_due]
        next_decision = self._agenda.next_due()
        if next_decision is not None:
            due.append(next_decision)
        if not self._has_waited() and (self._rejoin or self._dispatcher.queued):
            due.append(self._started + self._rules.recover_s)
        if self._nothing_else_goes_on():
            due += [
                self._patient_until(standing)
                for standing in self._phones.waiting()
                if standing.state != "recovering"
            ]
        return max(0.0, min(due) - now)

    def _on_time(self, now: float) -> None:
        """Do what is due: hanging hosts, phones to be tried again or given up."""
        if self._rejoin and now >= self._started + self._rules.recover_s:
            for serial in list(self._rejoin):
                self._lose_rejoin(serial)
        for standing in self._phones.due(now):
            if standing.order is not None and now >= standing.deadline:
                self._absent(standing, f"no answer to {type(standing.order).__name__} in time")
            elif standing.state == "away" and now >= standing.retry_at:
                self._ask(standing)
        if self._stop.requested or self._nothing_else_goes_on():
            for standing in self._phones.waiting():
                self._look_at_waiting(standing, now)

    def _nothing_else_goes_on(self) -> bool:
        """Say whether phones that are away are all that is waited for."""
        if self._agenda.host_is_busy or not self._phones.only_wait():
            return False
        return self._dispatcher.queued > 0 or not self._intakes

    def _look_at_waiting(self, standing: Standing, now: float) -> None:
        """Nothing else goes on: hurry with the phones that are away, or end it."""
        if standing.state == "recovering":
            return
        if self._stop.requested:
            if standing.state == "absent":
                self._give_up(standing)
            else:
                self._ask(standing)  # once more; then it is given up
        elif now >= self._patient_until(standing):
            self._give_up(standing)
        elif standing.state == "away" and standing.suspect and standing.delay == RECOVER_POLL_S:
            self._ask(standing)  # no reason to let it wait out its quarantine

    def _ask(self, standing: Standing) -> None:
        if not standing.prepared:
            self._prepare(standing)
        else:
            self._order(standing, "recovering", Recover(standing.serial, thorough=standing.suspect))

    def _patient_until(self, standing: Standing) -> float:
        """Return until when a phone that is away is waited for when nothing else goes on."""
        since = standing.since
        if self._dispatcher.may_get_more(standing.serial, back=True):
            since = max(since, self._quiet_since)
        return since + self._rules.recover_s

    # -- work -------------------------------------------------------------------------------------

    def _give_work(self) -> None:
        fresh, self._fresh = self._fresh, []
        for serial in sorted(fresh, key=self._dispatcher.is_warm):  # a cool one waits at no gate
            self._employ(serial)
        while True:
            self._give_freed()
            self._look_at_idle()
            if self._stop.requested or not self._strand():
                break
        if not self._stop.requested:
            self._host_orders += self._agenda.start_on_host()

    def _look_at_idle(self) -> None:
        """Ask for all phones that wait for a job whether one may still come."""
        while self._dispatcher.changes != self._seen_changes or self._stop.requested:
            self._seen_changes = self._dispatcher.changes
            for serial in list(self._phones.idle):
                self._employ(serial)
            if not self._phones.idle:
                break

    def _give_freed(self) -> None:
        """Give jobs that have become free to phones that wait for one.

        A phone may take another of them than the one that it was asked for, so they are gone
        through until none of them fits a phone that is idle.
        """
        freed, self._agenda.freed = self._agenda.freed, []
        given = True
        while given and self._phones.idle:
            given = False
            for job_id in freed:
                taker = self._taker(job_id)
                if taker is not None:
                    self._employ(taker)
                    given = True

    def _taker(self, job_id: str) -> str | None:
        """Return an idle phone that a job fits, if the job is still to be had."""
        if not self._dispatcher.is_queued(job_id):
            return None
        fits = self._dispatcher.fits
        return next((serial for serial in self._phones.idle if fits(job_id, serial)), None)

    def _strand(self) -> bool:
        """Give up queued jobs that nobody can take any more; return whether there were some.

        Nobody can where no phone is left, or where those that are left stand idle and none will be
        back: whatever an idle phone fits, it would have been given.
        """
        phones = self._phones
        if not self._dispatcher.queued or not phones.only_wait() or phones.waiting():
            return False
        if self._rejoin or (self._is_expecting() and not self._has_waited()):
            return False
        lost = [
            job_id
            for job_id in self._dispatcher.queued_jobs()
            if not any(self._dispatcher.fits(job_id, serial) for serial in phones.idle)
        ]
        for job_id in lost:
            self._agenda.strand(job_id)
        return bool(lost)

    def _is_expecting(self) -> bool:
        """Say whether a phone of the run has not come yet."""
        return any(self._phones.get(serial) is None for serial in self._dispatcher.phones())

    def _employ(self, serial: str) -> None:
        """Give an idle phone a job, or let it go if there will be none."""
        standing = self._phones[serial]
        if standing.state != "idle":
            return
        if self._stop.requested:
            self._leave(standing)
            return
        order = self._agenda.start(serial)
        if order is not None:
            self._order(standing, "busy", order)
        elif self._intakes or self._dispatcher.may_get_more(serial):
            self._show(standing, "idle")
        else:
            self._leave(standing)

    def _leave(self, standing: Standing) -> None:
        self._order(standing, "leaving", Leave(standing.serial))

    # -- telling ----------------------------------------------------------------------------------

    def _show(self, standing: Standing, step: str, note: str = "") -> None:
        status = PhoneStatus(standing.serial, standing.phone.record.profile, step=step, note=note)
        self._afterwards.append(lambda: self._progress.phone(status))

    def _say(self, text: str) -> None:
        self._afterwards.append(lambda: self._progress.note(text))
