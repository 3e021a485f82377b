"""Which job a free phone gets next: pure state, no threads, no clock, no I/O.

The scheduler and a simulation call the same methods. A job may be retried elsewhere, a later round
waits for its parent and runs on the parent's phone.

Nothing here walks over all jobs: those that ask for the same phones lie in one `DemandClass`, and
what a question costs grows with the classes that a phone is in, of which a matrix makes a handful.
Nothing depends on the order of a set either, so that a run of a simulation repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from harness.lab.job_queue import Asking, Found, JobQueue, QueueOrder

Verdict = Literal["retry", "failed", "skipped"]

INFRASTRUCTURE: Final = frozenset({"DeviceLost", "ProvisionFailed"})
"""Failures that say more about the phone or its cable than about the job."""

QUARANTINE_AFTER: Final = 3
"""Infrastructure failures in a row after which a phone gets no job until it passed a probe."""

_OPEN: Final = ("waiting", "queued", "running")
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Ticket:
    """A job as the dispatcher sees it."""

    job_id: str
    index: int
    candidates: frozenset[str]
    """Serials of the phones that fit."""
    depends_on: str | None = None
    group: str = ""
    """What must lie on the phone; the same group next needs no push."""
    heat: float = 0.0
    """How much it warms a phone, on any scale that is the same for all jobs."""
    retries: Mapping[str, int] = field(default_factory=dict)
    """Kind of failure -> how often to try again after it."""
    demands: str = ""
    """What it asks of a phone: jobs of the same words take the same phones, also new ones."""
    skips_shut: bool = False
    """A phone whose gates are shut is passed over (``gates: {mode: skip}``)."""


_Tried = tuple[frozenset[str], frozenset[str]]
"""(phones that a job failed on, phones that were passed over for their gates)."""


class _DemandClass:
    """Jobs that ask for the same phones."""

    __slots__ = ("candidates", "here", "queues")

    def __init__(self, candidates: frozenset[str], phones: Mapping[str, None]) -> None:
        self.candidates = set(candidates)
        self.here = {serial for serial in candidates if serial in phones}
        self.queues: dict[_Tried, JobQueue] = {}

    def homes(self, tried: _Tried) -> tuple[int, Callable[[str], bool]]:
        """Return how many phones may take such a job, and whether one may.

        Untried ones; where there are none, any that fits and was not passed over.
        """
        failed_on, passed_over = tried
        if not failed_on and not passed_over:
            return len(self.here), self.here.__contains__
        fitting = len(self.here) - sum(1 for one in passed_over if one in self.here)
        bad = sum(1 for one in failed_on if one in self.here and one not in passed_over)
        if fitting > bad:
            return (
                fitting - bad,
                lambda one: one in self.here and one not in passed_over and one not in failed_on,
            )
        return fitting, lambda one: one in self.here and one not in passed_over


@dataclass(slots=True)
class _Job:
    ticket: Ticket
    home: _DemandClass
    state: str = "queued"
    pinned: str | None = None
    tries: dict[str, int] = field(default_factory=dict)
    tried: _Tried = (_NONE, _NONE)
    phone: str | None = None
    """Where it runs."""


class Dispatcher:
    """The queue of one run.

    Args:
        tickets: All jobs that are not finished yet, and their parents' outcomes below.
        phones: Serials of the phones that take part.
        finished_on: Jobs finished earlier (resume) -> phone that ran them; None if that phone is
            not here any more, so that later rounds may run on another.
        order: What decides between jobs that fit equally few phones.
    """

    def __init__(
        self,
        tickets: Iterable[Ticket],
        phones: Iterable[str],
        *,
        finished_on: Mapping[str, str | None] | None = None,
        order: QueueOrder = "plan",
    ) -> None:
        self._phones: dict[str, None] = dict.fromkeys(phones)
        self._order = order
        self._last: dict[str, Ticket] = {}
        """What each phone took last."""
        self._bad_in_a_row: dict[str, int] = {}
        self._classes: dict[tuple[frozenset[str], str], _DemandClass] = {}
        self._of_phone: dict[str, list[_DemandClass]] = {}
        self._pinned: dict[str, JobQueue] = {}
        self._children: dict[str, list[str]] = {}
        self._jobs: dict[str, _Job] = {}
        self.changes = 0
        """Counts whatever may have left a phone without prospects."""
        for ticket in tickets:
            self._jobs[ticket.job_id] = _Job(ticket, self._class(ticket))
        heats = [job.ticket.heat for job in self._jobs.values()]
        self._warm_from = (min(heats) + max(heats)) / 2 if heats else 0.0
        done = dict(finished_on or {})
        for job in self._jobs.values():
            parent = job.ticket.depends_on
            if parent is None or parent in done:
                job.pinned = None if parent is None else done[parent]
            elif parent in self._jobs:
                job.state = "waiting"
                self._children.setdefault(parent, []).append(job.ticket.job_id)
            else:
                raise ValueError(f"{job.ticket.job_id} depends on {parent}, not in the plan")
            self._count(job, 1)
            if job.state == "queued":
                self._push(job)

    # -- questions ------------------------------------------------------------------------------

    def unfinished(self) -> list[str]:
        """Return the jobs that have no outcome yet, in order."""
        return self._in_order(job for job in self._jobs.values() if job.state in _OPEN)

    def stranded(self) -> list[str]:
        """Return queued jobs that no phone still in the run may take, and what waits for them."""
        lost: dict[str, None] = {}
        for job_id, job in self._jobs.items():
            if job.state == "queued" and not any(self.fits(job_id, one) for one in self._phones):
                lost[job_id] = None
                lost.update(dict.fromkeys(self._descendants(job_id)))
        return self._in_order(self._jobs[job_id] for job_id in lost)

    def may_get_more(self, phone: str, *, back: bool = False) -> bool:
        """Say whether a job may still come for ``phone``, now or when another one ends.

        Args:
            phone: The phone.
            back: Ask as if it were back in the run.
        """
        if phone not in self._phones and not back:
            return False
        if self._queue_of(phone).open:
            return True
        for home in self._of_phone.get(phone, ()):
            for tried, queue in home.queues.items():
                if not queue.open:
                    continue
                if home.homes(tried)[1](phone):
                    return True
                if back and phone not in self._phones and phone not in tried[1]:
                    return True
        return False

    def fits(self, job_id: str, phone: str) -> bool:
        """Say whether a phone may take a job as things are."""
        job = self._jobs[job_id]
        if phone not in self._phones:
            return False
        if job.pinned is not None:
            return job.pinned == phone and phone not in job.tried[1]
        return job.home.homes(job.tried)[1](phone)

    def phones(self) -> frozenset[str]:
        """Return the phones in the run, without those that are away."""
        return frozenset(self._phones)

    def is_suspect(self, phone: str) -> bool:
        """Say whether a phone has failed so often in a row that it should be probed first."""
        return self._bad_in_a_row.get(phone, 0) >= QUARANTINE_AFTER

    # -- events ---------------------------------------------------------------------------------

    def take(self, phone: str) -> Ticket | None:
        """Give ``phone`` its next job, or None if there is none for it now.

        First what waits for just this phone (a later round), then what fits the fewest phones, so
        that a choosy job is not left to the end; ties go by the run's `QueueOrder`.
        """
        if phone not in self._phones:
            return None
        asking = self._asking(phone)
        own = self._queue_of(phone)
        found = own.first(asking, lambda one: self._is_queued(one, own)) if own.open else None
        if found is None:
            found = self._best_shared(phone, asking)
        if found is None:
            return None
        job = self._jobs[found.job_id]
        job.state, job.phone = "running", phone
        self._last[phone] = job.ticket
        return job.ticket

    def is_warm(self, phone: str) -> bool:
        """Say whether the job that a phone took last was one of the hotter ones of the run."""
        last = self._last.get(phone)
        return last is not None and last.heat > self._warm_from

    def _asking(self, phone: str) -> Asking:
        last = self._last.get(phone)
        return Asking("" if last is None else last.group, self.is_warm(phone))

    def _best_shared(self, phone: str, asking: Asking) -> Found | None:
        best: tuple[int, Found] | None = None
        for home in self._of_phone.get(phone, ()):
            for tried, queue in home.queues.items():
                if not queue.open:
                    continue
                count, contains = home.homes(tried)
                if not contains(phone) or (best is not None and count > best[0]):
                    continue
                found = queue.first(asking, lambda one, of=queue: self._is_queued(one, of))  # type: ignore[misc]
                if found is not None and (best is None or (count, found) < best):
                    best = (count, found)
        return None if best is None else best[1]

    def adopt(self, job_id: str, phone: str) -> None:
        """Say that a queued job runs on ``phone`` already (an attempt that is rejoined)."""
        job = self._jobs[job_id]
        if job.state != "queued":
            raise ValueError(f"{job_id} is {job.state}, not queued")
        job.state, job.phone = "running", phone

    def finished(self, job_id: str, phone: str) -> list[str]:
        """Record a finished job; return the later rounds that may start now."""
        self._end(job_id, "finished")
        self._bad_in_a_row[phone] = 0
        released = self._children.pop(job_id, [])
        for child in released:
            job = self._jobs[child]
            self._count(job, -1)
            job.state, job.pinned = "queued", phone
            self._count(job, 1)
            self._push(job)
        return released

    def failed(self, job_id: str, phone: str, kind: str) -> tuple[Verdict, list[str]]:
        """Record a failed attempt.

        Returns:
            ``retry``: the job is queued again, for another phone if one fits. ``failed``: it is
            given up, and so are the later rounds, which are returned; ``skipped``: likewise, since
            every phone that fits was passed over for its gates.
        """
        job = self._jobs[job_id]
        if kind in INFRASTRUCTURE:
            self._bad_in_a_row[phone] = self._bad_in_a_row.get(phone, 0) + 1
        elif kind != "GateTimedOut":
            self._bad_in_a_row[phone] = 0  # it came as far as to train
        failed_on, passed_over = job.tried
        if kind == "GateTimedOut" and job.ticket.skips_shut:
            self._requeue(job, (failed_on, passed_over | {phone}))
            if self._may_have_home(job):
                return "retry", []
            self._count(job, -1)
            job.state = "skipped"
            return "skipped", self._drop_descendants(job_id)
        tries = job.tries[kind] = job.tries.get(kind, 0) + 1
        if tries <= job.ticket.retries.get(kind, 0):
            self._requeue(job, (failed_on | {phone}, passed_over))
            return "retry", []
        self._end(job_id, "failed")
        return "failed", self._drop_descendants(job_id)

    def put_back(self, job_id: str) -> None:
        """Queue a running job again without counting a try: nobody failed."""
        self._requeue(self._jobs[job_id], self._jobs[job_id].tried)

    def skip(self, job_id: str) -> None:
        """Take a queued or waiting job out of the run."""
        job = self._jobs[job_id]
        if job.state in _OPEN:
            self._count(job, -1)
        job.state = "skipped"

    def phone_away(self, phone: str) -> None:
        """Give a phone no job until it is back; what waits for just this phone goes on waiting."""
        if phone in self._phones:
            del self._phones[phone]
            for home in self._of_phone.get(phone, ()):
                home.here.discard(phone)
            self.changes += 1

    def phone_back(self, phone: str, *, on_probation: bool = False) -> None:
        """Take a phone back; ``on_probation``: one infrastructure failure and it is suspect."""
        if on_probation:
            self._bad_in_a_row[phone] = QUARANTINE_AFTER - 1
        self._phones[phone] = None
        for home in self._of_phone.get(phone, ()):
            home.here.add(phone)
        self.changes += 1

    def phone_new(self, phone: str, fits: Callable[[Ticket], bool]) -> None:
        """Take in a phone that no job's candidates name yet; ``fits`` is asked once a class."""
        if phone in self._of_phone:
            self.phone_back(phone)
            return
        asked: dict[int, Ticket] = {}
        for job in self._jobs.values():
            asked.setdefault(id(job.home), job.ticket)
        for home in self._classes.values():
            ticket = asked.get(id(home))
            if ticket is not None and fits(ticket):
                home.candidates.add(phone)
                self._of_phone.setdefault(phone, []).append(home)
        self.phone_back(phone)

    def phone_gone(self, phone: str) -> None:
        """Take a phone out of the run; rounds that waited for just this phone may run elsewhere."""
        self.phone_away(phone)
        if phone in self._pinned and self._pinned[phone].open:
            for job in self._jobs.values():
                if job.pinned == phone and job.state == "queued":
                    self._count(job, -1)
                    job.pinned = None
                    self._count(job, 1)
                    self._push(job)

    # -- inside ---------------------------------------------------------------------------------

    def _class(self, ticket: Ticket) -> _DemandClass:
        key = (ticket.candidates, ticket.demands)
        home = self._classes.get(key)
        if home is None:
            home = self._classes[key] = _DemandClass(ticket.candidates, self._phones)
            for serial in sorted(ticket.candidates):
                self._of_phone.setdefault(serial, []).append(home)
        return home

    def _queue_of(self, phone: str) -> JobQueue:
        queue = self._pinned.get(phone)
        if queue is None:
            queue = self._pinned[phone] = JobQueue(self._order)
        return queue

    def _queue(self, job: _Job) -> JobQueue:
        if job.pinned is not None:
            return self._queue_of(job.pinned)
        queue = job.home.queues.get(job.tried)
        if queue is None:
            queue = job.home.queues[job.tried] = JobQueue(self._order)
        return queue

    def _is_queued(self, job_id: str, queue: JobQueue) -> bool:
        job = self._jobs[job_id]
        return job.state == "queued" and self._queue(job) is queue

    def _push(self, job: _Job) -> None:
        ticket = job.ticket
        self._queue(job).push(ticket.index, ticket.job_id, ticket.group, ticket.heat)

    def _count(self, job: _Job, by: int) -> None:
        queue = self._queue(job)
        queue.open += by
        if queue.open == 0:
            self.changes += 1
            if job.pinned is None:
                del job.home.queues[job.tried]

    @staticmethod
    def _may_have_home(job: _Job) -> bool:
        """Say whether a phone is left that was not passed over, also one that is away."""
        passed_over = job.tried[1]
        if job.pinned is not None:
            return job.pinned not in passed_over
        return any(one not in passed_over for one in job.home.candidates)

    def _requeue(self, job: _Job, tried: _Tried) -> None:
        if job.state != "running":
            raise ValueError(f"{job.ticket.job_id} is {job.state}, not running")
        self._count(job, -1)
        job.tried = tried
        job.state, job.phone = "queued", None
        self._count(job, 1)
        self._push(job)

    def _end(self, job_id: str, outcome: str) -> None:
        job = self._jobs[job_id]
        if job.state != "running":
            raise ValueError(f"{job_id} is {job.state}, not running")
        self._count(job, -1)
        job.state, job.phone = outcome, None

    def _descendants(self, job_id: str) -> list[str]:
        found: list[str] = []
        for child in self._children.get(job_id, []):
            found += [child, *self._descendants(child)]
        return found

    def _drop_descendants(self, job_id: str) -> list[str]:
        dropped = self._descendants(job_id)
        for child in dropped:
            self.skip(child)
        return dropped

    @staticmethod
    def _in_order(jobs: Iterable[_Job]) -> list[str]:
        return [job.ticket.job_id for job in sorted(jobs, key=lambda job: job.ticket.index)]
