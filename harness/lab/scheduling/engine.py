"""The seam between deciding and doing: orders for phones go out, reports come back.

The `Scheduler` decides and writes the ledger; an `Engine` carries out its orders wherever the
phones are. `harness.lab.engines.threads.ThreadEngine` does so in threads of this process, on this
host's phones. Another engine may send an order to the host of the phone, as long as it keeps to
what stands below. Tasks on the host itself have orders and reports of their own (`RunOnHost`,
`HostEnded`): a `HostEngine` carries them out, beside whichever engine the phones have.

- An order names one phone, and a phone has one order at a time. Each order is answered by exactly
  one report of its kind (`Prepared`, `Ended`, `Recovered`, `Left`), or by `Gone`, after which the
  order counts as never answered: its job goes elsewhere. (A host that only hung may answer late;
  that says no more than that its phone is back.)
- `Ended` comes after the attempt's folder lies whole in the run folder of the coordinator.
- `submit` does not block; nothing that it is given is done before it was called, and the scheduler
  calls it only after the ledger holds what the order says. A coordinator that dies in between has
  started nothing that its ledger does not know.
- Phones come by `Came` (also back) and go by `Gone`, at any time. Which phones join a run that goes
  on, and how they are found, is the engine's own business. Who offers a phone holds it
  (`harness.lab.holding`) on the host where it hangs, until `Left` or `Gone`.

The simulation (``tests/simulation``) is an engine too: the scheduler cannot tell.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.lab.attempt.state import AttemptEnd, AttemptRequest
from harness.lab.ports import LabPhone
from harness.lab.scheduling.demand import Ticket
from harness.results.model import AttemptResult

# -- orders ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prepare:
    """Undo what an owner before may have left, and find out what the phone can do.

    Args:
        serial: The phone.
        keep: An attempt may still run there: change nothing.
    """

    serial: str
    keep: bool = False


@dataclass(frozen=True)
class RunAttempt:
    """Run one attempt, or go on with one whose host died.

    Args:
        serial: The phone.
        job_id: The job.
        attempt: 1, 2, ...
        rejoin: The attempt was begun by an earlier process: find it on the phone, or end `lost`.
    """

    serial: str
    job_id: str
    attempt: int
    rejoin: bool = False


@dataclass(frozen=True)
class Recover:
    """Bring a phone that was left unclean back to a clean state, and see that it answers.

    Args:
        serial: The phone.
        thorough: It failed again and again: also copy something there and back.
    """

    serial: str
    thorough: bool = False


@dataclass(frozen=True)
class Leave:
    """Clean a phone that gets no more jobs, recordings too, and let it go."""

    serial: str


Order = Prepare | RunAttempt | Recover | Leave


@dataclass(frozen=True)
class RunOnHost:
    """Run one attempt of a task of the host; answered by `HostEnded`.

    Args:
        task_id: The task.
        attempt: 1, 2, ...
    """

    task_id: str
    attempt: int


# -- reports --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Came:
    """A phone is there, for the first time or again; it gets a `Prepare`."""

    phone: LabPhone


@dataclass(frozen=True)
class Prepared:
    """Answers `Prepare`.

    Args:
        serial: The phone.
        phone: With its capabilities; None where it could not be reached.
        notes: For the run's record.
        trouble: Why it could not be prepared.
    """

    serial: str
    phone: LabPhone | None
    notes: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class Stepped:
    """A running attempt has reached a step."""

    serial: str
    job_id: str
    attempt: int
    step: str


@dataclass(frozen=True)
class Ended:
    """Answers `RunAttempt`.

    Args:
        serial: The phone.
        job_id: The job.
        attempt: 1, 2, ...
        kind: Kind of failure; None if it finished.
        message: The failure in a sentence.
        clean: The phone was reached and released.
        lost: There was nothing left to rejoin: no failure, the job is queued again.
        result: As it lies in the run folder.
    """

    serial: str
    job_id: str
    attempt: int
    kind: str | None = None
    message: str = ""
    clean: bool = True
    lost: bool = False
    result: AttemptResult | None = None

    @classmethod
    def of(cls, order: RunAttempt, end: AttemptEnd | None) -> Ended:
        """Return the report for an attempt's end; None for nothing to rejoin."""
        if end is None:
            return cls(order.serial, order.job_id, order.attempt, clean=False, lost=True)
        failure = end.result.failure
        return cls(
            order.serial,
            order.job_id,
            order.attempt,
            kind=failure.kind if failure else None,
            message=failure.message if failure else "",
            clean=end.clean,
            result=end.result,
        )


@dataclass(frozen=True)
class Recovered:
    """Answers `Recover`; ``trouble`` says what came in between, empty for a clean phone."""

    serial: str
    trouble: str = ""


@dataclass(frozen=True)
class Left:
    """Answers `Leave`; ``trouble`` likewise."""

    serial: str
    trouble: str = ""


@dataclass(frozen=True)
class Gone:
    """A phone is out of reach with its host; `Came` says when it is back."""

    serial: str
    why: str


@dataclass(frozen=True)
class Broke:
    """Something that is no attempt's failure (a full disk): the run stops, phones are left."""

    serial: str
    error: Exception


@dataclass(frozen=True)
class HostEnded:
    """Answers `RunOnHost`, after what the task made lies whole in the run folder.

    Args:
        task_id: The task.
        attempt: 1, 2, ...
        kind: What went wrong; None if it finished.
        message: The failure in a sentence.
        error: Something that is no task's failure (a full disk): the run stops.
    """

    task_id: str
    attempt: int
    kind: str | None = None
    message: str = ""
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """Somebody waits until the ledger holds it (``done``), or it is refused."""

    done: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)
    refusals: list[str] = field(default_factory=list, compare=False, repr=False)

    def refuse(self, why: str) -> None:
        """Say that the run takes no more of it."""
        self.refusals.append(why)
        self.done.set()


@dataclass(frozen=True)
class TasksAdded(Awaited):
    """New tasks."""

    tickets: tuple[Ticket, ...]


@dataclass(frozen=True)
class TasksWithdrawn(Awaited):
    """Jobs that nobody wants any more: those that wait are skipped, those that run are stopped.

    Args:
        job_ids: The jobs; those with an outcome keep it.
        why: In words.
    """

    job_ids: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class NoMoreTasks:
    """One who might have added tasks adds no more."""


PhoneReport = Prepared | Stepped | Ended | Recovered | Left | Gone | Broke
TaskReport = HostEnded | TasksAdded | TasksWithdrawn | NoMoreTasks
Report = Came | PhoneReport | TaskReport


class Engine(Protocol):
    """Carries out orders; see the module for what it promises. Used by one thread."""

    def submit(self, order: Order) -> None:
        """Take an order; returns at once."""
        ...

    def reports(self, wait_s: float) -> Sequence[Report]:
        """Return what has come, in order; waits for the first at most about ``wait_s``.

        It may return empty earlier, so that Ctrl-C is heard.
        """
        ...

    def post(self, report: Report) -> None:
        """Add a report of somebody else's to those that `reports` returns; from any thread."""
        ...

    def stop(self, *, hard: bool) -> None:
        """Ask running attempts to end (``hard``: leave at once). From any thread."""
        ...

    def cancel(self, order: RunAttempt, why: str) -> None:
        """Ask one attempt to end, if it still runs; its answer comes as ever. Returns at once.

        Args:
            order: That was submitted.
            why: In words, for its result.
        """
        ...

    def close(self) -> None:
        """Let go of whatever the engine holds; the run is over."""
        ...


class HostEngine(Protocol):
    """Carries out orders for the host itself; used by one thread, posts its reports anywhere."""

    def submit(self, order: RunOnHost) -> None:
        """Take an order; returns at once."""
        ...


class Assignments(Protocol):
    """What the coordinator knows and an engine asks for, from any thread (it may read files)."""

    def request(self, order: RunAttempt, phone: LabPhone) -> AttemptRequest:
        """Return everything that an attempt needs to know.

        ``folder`` and the files of ``material`` are the coordinator's own.
        """
        ...

    def wants(self, phone: LabPhone) -> bool:
        """Say whether there is a job for a phone that came later."""
        ...
