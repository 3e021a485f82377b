"""What is left to do in a run: its graph, the queue of its phones, that of its host, the ledger.

The half of the scheduler that knows tasks and no phones' troubles. Each method that changes
something is called inside the ledger's transaction of the turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from harness.lab.clock import Clock
from harness.lab.ledger.ledger import Ledger
from harness.lab.ledger.tables import OPEN
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import Dispatcher, Verdict
from harness.lab.scheduling.engine import Ended, HostEnded, RunAttempt, RunOnHost
from harness.lab.scheduling.graph import Decision, Graph
from harness.lab.scheduling.intake import Register
from harness.lab.scheduling.job_queue import QueueOrder

HOST_AT_ONCE: Final = 2
"""So many tasks run on the host at the same time."""
REASON_LIMIT: Final = 500
"""Characters of a reason that the ledger keeps."""


@dataclass(frozen=True)
class Outcome:
    """What a task came to.

    Args:
        task_id: The task.
        state: How it ended.
        attempt: The attempt that finished; None if none did.
        reason: Why it did not finish.
    """

    task_id: str
    state: Literal["finished", "failed", "skipped", "withdrawn"]
    attempt: int | None = None
    reason: str = ""


class Agenda:
    """All tasks of a run that have no outcome yet.

    Args:
        ledger: The record; it holds the tasks.
        tickets: Those without an outcome, parents before their children.
        phones: Serials of the phones that take part.
        owner: Name of this process in the ledger.
        clock: Where the time comes from.
        order: What decides between jobs that fit equally few phones.
    """

    def __init__(
        self,
        ledger: Ledger,
        tickets: Iterable[Ticket],
        phones: Iterable[str],
        *,
        owner: str,
        clock: Clock,
        order: QueueOrder = "plan",
    ) -> None:
        here = set(phones)
        rows = ledger.rows()
        self.register = Register(
            {row.task_id: row.kind for row in rows}, rows[-1].index + 1 if rows else 0
        )
        """Which ids the run knows, also those with an outcome."""
        states = {row.task_id: row.state for row in rows}
        settled = {
            task_id: state == "finished" for task_id, state in states.items() if state not in OPEN
        }
        ran_on = {
            row.task_id: row.serial if row.serial in here else None
            for row in ledger.attempts(state="finished")
            if row.serial
        }
        self._ledger = ledger
        self._owner = owner
        self._clock = clock
        self._graph = Graph(settled)
        self.dispatcher = Dispatcher((), phones, ran_on=ran_on, order=order)
        self._host_queue: deque[str] = deque()
        self._host_running: set[str] = set()
        self._host: dict[str, _HostTask] = {}
        self._withdrawn: set[str] = set()
        """Jobs nobody wants any more whose attempt has not ended."""
        self._decisions: list[Decision] = []
        """What follows from how the ledger was found; recorded in the first turn."""
        self.freed: list[str] = []
        """Jobs that a phone can take since it was last asked."""
        self.outcomes: list[Outcome] = []
        """What tasks came to since it was last asked."""
        for ticket in tickets:
            self._take_in(ticket, waits=states[ticket.job_id] == "waiting")

    def _take_in(self, ticket: Ticket, *, waits: bool) -> None:
        task = ticket.task
        if task.kind == "phone":
            self.dispatcher.add(ticket)
        else:
            self._host[task.task_id] = _HostTask(task.call.retries)
        if waits:
            self._decisions += self._graph.add(task, self._clock.monotonic())
        elif task.kind == "host":
            self._host_queue.append(task.task_id)
        elif task.parents:
            self.dispatcher.release(task.task_id)

    # -- questions --------------------------------------------------------------------------------

    @property
    def host_is_busy(self) -> bool:
        """Whether a task runs on the host, or is about to."""
        return bool(self._host_running or self._host_queue)

    @property
    def host_runs(self) -> bool:
        """Whether a task runs on the host."""
        return bool(self._host_running)

    def next_due(self) -> float | None:
        """Return when something has to be decided though nothing happens."""
        return self._clock.monotonic() if self._decisions else self._graph.next_due()

    # -- what is added, and what time brings ------------------------------------------------------

    def add(self, tickets: Sequence[Ticket]) -> None:
        """Record new tasks; those whose parents have finished are free at once."""
        self._ledger.add([ticket.task for ticket in tickets])
        for ticket in tickets:
            self._take_in(ticket, waits=bool(ticket.task.parents))
            if ticket.task.kind == "phone" and not ticket.task.parents:
                self.freed.append(ticket.job_id)
        self.on_time()

    def withdraw(self, job_ids: Sequence[str], why: str) -> set[str]:
        """Skip jobs that have no outcome; return those whose attempts run and have to be stopped.

        Args:
            job_ids: Tasks on phones.
            why: In words.
        """
        self.on_time()  # what was decided before comes first
        running = set()
        for job_id in job_ids:
            state = self._ledger.withdraw(job_id, why[:REASON_LIMIT])
            if state is None:
                continue
            if state == "running":
                running.add(job_id)
            if self.dispatcher.knows(job_id):
                self.dispatcher.skip(job_id)
            self.outcomes.append(Outcome(job_id, "withdrawn", reason=why))
            self._apply(self._graph.drop(job_id, f"{job_id} was withdrawn: {why}"))
        self._withdrawn |= running
        return running

    def is_withdrawn(self, job_id: str) -> bool:
        """Say whether an attempt runs at a job that nobody wants any more."""
        return job_id in self._withdrawn

    def on_time(self) -> None:
        """Decide what is due."""
        decisions, self._decisions = self._decisions, []
        self._apply(decisions)
        self._apply(self._graph.due(self._clock.monotonic()))

    # -- work -------------------------------------------------------------------------------------

    def start(self, serial: str) -> RunAttempt | None:
        """Start the next attempt on a free phone; None if there is no job for it now."""
        ticket = self.dispatcher.take(serial)
        if ticket is None:
            return None
        number = self._ledger.start_attempt(ticket.job_id, serial, self._owner)
        return RunAttempt(serial, ticket.job_id, number)

    def start_on_host(self) -> list[RunOnHost]:
        """Start what is ready on the host, some at a time."""
        orders = []
        while self._host_queue and len(self._host_running) < HOST_AT_ONCE:
            task_id = self._host_queue.popleft()
            self._host_running.add(task_id)
            number = self._ledger.start_attempt(task_id, "", self._owner)
            orders.append(RunOnHost(task_id, number))
        return orders

    def adopt(self, job_id: str) -> None:
        """Say that a job runs already: its attempt is rejoined."""
        self.dispatcher.adopt(job_id)

    # -- ends -------------------------------------------------------------------------------------

    def end(self, report: Ended) -> bool:
        """Write down how an attempt on a phone ended; return whether its job runs again."""
        job_id, number, kind = report.job_id, report.attempt, report.kind
        if job_id in self._withdrawn:
            state = "lost" if report.lost else "finished" if kind is None else "failed"
            self._end_withdrawn(job_id, number, state, kind)
            if not report.lost and kind != "Interrupted":
                self.dispatcher.phone_did(report.serial, kind)
            return False
        if report.lost or kind == "Interrupted":
            why = "nothing was left to rejoin" if report.lost else "interrupted"
            self.put_back(job_id, number, "lost" if report.lost else "failed", kind, why)
            return report.lost
        if kind is None:
            self._finish(job_id, number, lambda: self.dispatcher.finished(job_id, report.serial))
            return False
        verdict = self.dispatcher.failed(job_id, report.serial, kind)
        self._fail(job_id, number, kind, report.message, verdict)
        if verdict == "retry":
            self.freed.append(job_id)
        return verdict == "retry"

    def end_on_host(self, report: HostEnded) -> None:
        """Write down how a task on the host ended."""
        task_id, number, kind = report.task_id, report.attempt, report.kind
        self._host_running.discard(task_id)
        if kind is None:
            self._finish(task_id, number)
            return
        task = self._host[task_id]
        again = kind == "Interrupted" or task.tries < task.retries
        if kind != "Interrupted":
            task.tries += 1
        self._fail(task_id, number, kind, report.message, "retry" if again else "failed")
        if again:
            self._host_queue.append(task_id)

    def forget_on_host(self, task_id: str) -> None:
        """Leave a task that runs on the host as it is: the run cannot go on."""
        self._host_running.discard(task_id)

    def put_back(self, job_id: str, number: int, state: str, kind: str | None, why: str) -> None:
        """End an attempt that is nobody's failure; its job runs again and counts no try."""
        if job_id in self._withdrawn:
            self._end_withdrawn(job_id, number, state, kind)
            return
        self._ledger.end_attempt(
            job_id,
            number,
            state=state,
            failure=kind,
            task_state="queued",
            reason=why[:REASON_LIMIT],
        )
        self.dispatcher.put_back(job_id)
        self.freed.append(job_id)

    def strand(self, job_id: str) -> None:
        """Give up a queued job that no phone can take any more."""
        self.dispatcher.skip(job_id)
        self._skip(job_id, "no phone left that fits")
        self._apply(self._graph.drop(job_id, f"{job_id} skipped: no phone left that fits"))

    # -- inside -----------------------------------------------------------------------------------

    def _finish(self, task_id: str, number: int, tell: Callable[[], None] = lambda: None) -> None:
        self._ledger.end_attempt(
            task_id, number, state="finished", failure=None, task_state="finished"
        )
        tell()  # before its children are released: where they run may depend on it
        self.outcomes.append(Outcome(task_id, "finished", number))
        self._apply(self._graph.settle(task_id, finished=True))

    def _end_withdrawn(self, job_id: str, number: int, state: str, kind: str | None) -> None:
        self._withdrawn.discard(job_id)
        self._ledger.end_attempt(job_id, number, state=state, failure=kind, task_state="skipped")

    def _fail(self, task_id: str, number: int, kind: str, message: str, verdict: Verdict) -> None:
        self._ledger.end_attempt(
            task_id,
            number,
            state="failed",
            failure=kind,
            task_state="queued" if verdict == "retry" else verdict,
            reason=message[:REASON_LIMIT],
        )
        if verdict == "retry":
            return
        why = f"{task_id} {verdict}: {kind}"
        self.outcomes.append(Outcome(task_id, verdict, reason=f"{kind}: {message}"))
        self._apply(self._graph.settle(task_id, finished=False, why=why))

    def _apply(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            task_id, on_host = decision.task_id, decision.task_id in self._host
            if decision.counted is None:
                self._skip(task_id, decision.why)
                if not on_host:
                    self.dispatcher.skip(task_id)
                continue
            self._ledger.release_task(task_id, decision.counted, decision.why[:REASON_LIMIT])
            if on_host:
                self._host_queue.append(task_id)
            else:
                self.dispatcher.release(task_id)
                self.freed.append(task_id)

    def _skip(self, task_id: str, why: str) -> None:
        self._ledger.set_state(task_id, "skipped", why[:REASON_LIMIT])
        self.outcomes.append(Outcome(task_id, "skipped", reason=why))


@dataclass
class _HostTask:
    retries: int
    tries: int = 0
