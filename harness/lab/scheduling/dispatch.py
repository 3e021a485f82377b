"""Which job a free phone gets next: pure state, no threads, no clock, no I/O.

The scheduler and a simulation call the same methods. A job may be retried elsewhere; a task that
is placed `same-as-parent` runs on the phone that its parent ran on. Which tasks wait, and until
when, says `harness.lab.scheduling.graph`: here a job waits until it is released.

Nothing here walks over all jobs: those that ask for the same phones lie in one `DemandClass`, and
what a question costs grows with the classes that a phone is in, of which a matrix makes a handful.
Nothing depends on the order of a set either, so that a run of a simulation repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from harness.lab.scheduling.demand import DemandClass, QueuedJob, Ticket, Tried
from harness.lab.scheduling.job_queue import Asking, JobQueue, Offer, QueueOrder

Verdict = Literal["retry", "failed", "skipped"]

INFRASTRUCTURE: Final = frozenset({"DeviceLost", "ProvisionFailed"})
"""Failures that say more about the phone or its cable than about the job."""

QUARANTINE_AFTER: Final = 3
"""Infrastructure failures in a row after which a phone gets no job until it passed a probe."""

_OPEN: Final = ("waiting", "queued", "running")


class Dispatcher:
    """The queue of one run's jobs: its tasks on phones.

    Args:
        tickets: Tasks on phones that are not finished yet; those with parents wait for `release`.
        phones: Serials of the phones that take part.
        ran_on: Tasks finished earlier -> the phone that ran them; None if that phone is not here
            any more, so that what belongs beside them may run on another.
        order: What decides between jobs that fit equally few phones.
    """

    def __init__(
        self,
        tickets: Iterable[Ticket],
        phones: Iterable[str],
        *,
        ran_on: Mapping[str, str | None] | None = None,
        order: QueueOrder = "plan",
    ) -> None:
        self._phones: dict[str, None] = dict.fromkeys(phones)
        self._gone: set[str] = set()
        self._order = order
        self._last: dict[str, Ticket] = {}
        """What each phone took last."""
        self._bad_in_a_row: dict[str, int] = {}
        self._classes: dict[tuple[frozenset[str], str], DemandClass] = {}
        self._of_phone: dict[str, list[DemandClass]] = {}
        self._pinned: dict[str, JobQueue] = {}
        self._ran_on = dict(ran_on or {})
        self._beside: dict[str, list[str]] = {}
        """Task -> those that run on its phone, once it has one."""
        self._jobs: dict[str, QueuedJob] = {}
        self._coolest, self._hottest = float("inf"), float("-inf")
        self.queued = 0
        """How many jobs a phone could take now."""
        self._open = 0
        self.changes = 0
        """Counts whatever may have left a phone without prospects."""
        for ticket in tickets:
            self.add(ticket)

    # -- questions ------------------------------------------------------------------------------

    @property
    def has_open(self) -> bool:
        """Whether there are jobs without an outcome."""
        return self._open > 0

    def queued_jobs(self) -> list[str]:
        """Return the jobs that a phone could take now, in order."""
        return self._in_order(job for job in self._jobs.values() if job.state == "queued")

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

    def is_queued(self, job_id: str) -> bool:
        """Say whether a phone could take a job now."""
        return self._jobs[job_id].state == "queued"

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

    def add(self, ticket: Ticket) -> None:
        """Take in a job; one with parents waits for `release`."""
        task = ticket.task
        job = self._jobs[task.task_id] = QueuedJob(ticket, self._class(ticket), "waiting")
        self._open += 1
        self._coolest = min(self._coolest, ticket.heat)
        self._hottest = max(self._hottest, ticket.heat)
        if task.beside in self._ran_on:
            job.pinned = self._still_here(self._ran_on[task.beside])
        elif task.beside is not None:
            self._beside.setdefault(task.beside, []).append(task.task_id)
        self._count(job, 1)
        if not task.parents:
            self.release(task.task_id)

    def release(self, job_id: str) -> None:
        """Let a job wait no more for its parents."""
        job = self._jobs[job_id]
        if job.state != "waiting":
            raise ValueError(f"{job_id} is {job.state}, not waiting")
        self._set(job, "queued")
        self._push(job)

    def take(self, phone: str) -> Ticket | None:
        """Give ``phone`` its next job, or None if there is none for it now.

        First what waits for just this phone (a later round), then what fits the fewest phones, so
        that a choosy job is not left to the end; ties go by the run's `QueueOrder`.
        """
        if phone not in self._phones:
            return None
        asking = self._asking(phone)
        own = self._queue_of(phone)
        offer = own.first(asking, lambda job_id: self._is_queued(job_id, own)) if own.open else None
        if offer is None:
            offer = self._best_shared(phone, asking)
        if offer is None:
            return None
        job = self._jobs[offer.job_id]
        self._set(job, "running")
        self._last[phone] = job.ticket
        return job.ticket

    def is_warm(self, phone: str) -> bool:
        """Say whether the job that a phone took last was one of the hotter ones of the run."""
        last = self._last.get(phone)
        return last is not None and last.heat > (self._coolest + self._hottest) / 2

    def _asking(self, phone: str) -> Asking:
        last = self._last.get(phone)
        return Asking("" if last is None else last.group, self.is_warm(phone))

    def _best_shared(self, phone: str, asking: Asking) -> Offer | None:
        best: tuple[int, Offer] | None = None
        for home in self._of_phone.get(phone, ()):
            for tried, queue in home.queues.items():
                if not queue.open:
                    continue
                count, contains = home.homes(tried)
                if not contains(phone) or (best is not None and count > best[0]):
                    continue
                offer = queue.first(asking, lambda job_id, of=queue: self._is_queued(job_id, of))  # type: ignore[misc]
                if offer is not None and (best is None or (count, offer) < best):
                    best = (count, offer)
        return None if best is None else best[1]

    def adopt(self, job_id: str) -> None:
        """Say that a queued job runs already (an attempt that is rejoined)."""
        job = self._jobs[job_id]
        if job.state != "queued":
            raise ValueError(f"{job_id} is {job.state}, not queued")
        self._set(job, "running")

    def finished(self, job_id: str, phone: str) -> None:
        """Record a finished job: what belongs beside it runs on its phone."""
        self._end(job_id, "finished")
        self.phone_did(phone, None)
        self._ran_on[job_id] = phone
        for child_id in self._beside.pop(job_id, ()):
            child = self._jobs[child_id]
            if child.state in _OPEN:
                self._pin(child, self._still_here(phone))

    def failed(self, job_id: str, phone: str, kind: str) -> Verdict:
        """Record a failed attempt.

        Returns:
            ``retry``: the job is queued again, for another phone if one fits. ``failed``: it is
            given up. ``skipped``: likewise, since every phone that fits was passed over for its
            gates.
        """
        job = self._jobs[job_id]
        self.phone_did(phone, kind)
        failed_on, passed_over = job.tried
        if kind == "GateTimedOut" and job.ticket.skips_shut:
            self._requeue(job, (failed_on, passed_over | {phone}))
            if self._may_have_home(job):
                return "retry"
            self.skip(job_id)
            return "skipped"
        tries = job.tries[kind] = job.tries.get(kind, 0) + 1
        if tries <= job.ticket.retries.get(kind, 0):
            self._requeue(job, (failed_on | {phone}, passed_over))
            return "retry"
        self._end(job_id, "failed")
        return "failed"

    def phone_did(self, phone: str, kind: str | None) -> None:
        """Note how an attempt on a phone ended; three bad ones in a row make it suspect.

        Args:
            phone: The phone.
            kind: Kind of failure; None if it finished.
        """
        if kind in INFRASTRUCTURE:
            self._bad_in_a_row[phone] = self._bad_in_a_row.get(phone, 0) + 1
        elif kind != "GateTimedOut":
            self._bad_in_a_row[phone] = 0  # it came as far as to train

    def put_back(self, job_id: str) -> None:
        """Queue a running job again without counting a try: nobody failed."""
        self._requeue(self._jobs[job_id], self._jobs[job_id].tried)

    def knows(self, job_id: str) -> bool:
        """Say whether a job was ever taken in."""
        return job_id in self._jobs

    def skip(self, job_id: str) -> None:
        """Take a job out of the run; an attempt at it that runs says nothing about it any more."""
        job = self._jobs[job_id]
        if job.state in _OPEN:
            self._count(job, -1)
        self._set(job, "skipped")

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
        self._gone.discard(phone)
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
        """Take a phone out of the run; what waited for just this phone may run elsewhere."""
        self._gone.add(phone)
        self.phone_away(phone)
        if phone in self._pinned and self._pinned[phone].open:
            for job in self._jobs.values():
                if job.pinned == phone and job.state in ("waiting", "queued"):
                    self._pin(job, None)

    # -- inside ---------------------------------------------------------------------------------

    def _class(self, ticket: Ticket) -> DemandClass:
        key = (ticket.candidates, ticket.demands)
        home = self._classes.get(key)
        if home is None:
            home = self._classes[key] = DemandClass(ticket.candidates, self._phones)
            for serial in sorted(ticket.candidates):
                self._of_phone.setdefault(serial, []).append(home)
        return home

    def _queue_of(self, phone: str) -> JobQueue:
        queue = self._pinned.get(phone)
        if queue is None:
            queue = self._pinned[phone] = JobQueue(self._order)
        return queue

    def _queue(self, job: QueuedJob) -> JobQueue:
        if job.pinned is not None:
            return self._queue_of(job.pinned)
        queue = job.home.queues.get(job.tried)
        if queue is None:
            queue = job.home.queues[job.tried] = JobQueue(self._order)
        return queue

    def _still_here(self, phone: str | None) -> str | None:
        return None if phone in self._gone else phone

    def _pin(self, job: QueuedJob, phone: str | None) -> None:
        """Keep a job to one phone, or to none any more."""
        self._count(job, -1)
        job.pinned = phone
        self._count(job, 1)
        if job.state == "queued":
            self._push(job)

    def _set(self, job: QueuedJob, state: str) -> None:
        self.queued += (state == "queued") - (job.state == "queued")
        self._open += (state in _OPEN) - (job.state in _OPEN)
        job.state = state

    def _is_queued(self, job_id: str, queue: JobQueue) -> bool:
        job = self._jobs[job_id]
        return job.state == "queued" and self._queue(job) is queue

    def _push(self, job: QueuedJob) -> None:
        ticket = job.ticket
        self._queue(job).push(ticket.index, ticket.job_id, ticket.group, ticket.heat)

    def _count(self, job: QueuedJob, by: int) -> None:
        queue = self._queue(job)
        queue.open += by
        if queue.open == 0:
            self.changes += 1
            if job.pinned is None:
                del job.home.queues[job.tried]

    @staticmethod
    def _may_have_home(job: QueuedJob) -> bool:
        """Say whether a phone is left that was not passed over, also one that is away."""
        passed_over = job.tried[1]
        if job.pinned is not None:
            return job.pinned not in passed_over
        return any(phone not in passed_over for phone in job.home.candidates)

    def _requeue(self, job: QueuedJob, tried: Tried) -> None:
        if job.state != "running":
            raise ValueError(f"{job.ticket.job_id} is {job.state}, not running")
        self._count(job, -1)
        job.tried = tried
        self._set(job, "queued")
        self._count(job, 1)
        self._push(job)

    def _end(self, job_id: str, outcome: str) -> None:
        job = self._jobs[job_id]
        if job.state != "running":
            raise ValueError(f"{job_id} is {job.state}, not running")
        self._count(job, -1)
        self._set(job, outcome)

    @staticmethod
    def _in_order(jobs: Iterable[QueuedJob]) -> list[str]:
        return [job.ticket.job_id for job in sorted(jobs, key=lambda job: job.ticket.index)]
