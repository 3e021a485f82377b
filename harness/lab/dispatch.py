"""Which job a free phone gets next: pure state, no threads, no clock, no I/O.

The scheduler's threads and a simulation call the same methods. A job may be retried elsewhere, a
later round waits for its parent and runs on the parent's phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["retry", "failed", "skipped"]

INFRASTRUCTURE = frozenset({"DeviceLost", "ProvisionFailed"})
"""Failures that say more about the phone or its cable than about the job."""

QUARANTINE_AFTER = 3
"""Infrastructure failures in a row after which a phone gets no more jobs in this run."""


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
    retries: Mapping[str, int] = field(default_factory=dict)
    """Kind of failure -> how often to try again after it."""
    skips_shut: bool = False
    """A phone whose gates are shut is passed over (``gates: {mode: skip}``)."""


@dataclass
class _State:
    ticket: Ticket
    state: str = "queued"
    pinned: str | None = None
    tries: dict[str, int] = field(default_factory=dict)
    failed_on: set[str] = field(default_factory=set)
    passed_over: set[str] = field(default_factory=set)


class Dispatcher:
    """The queue of one run.

    Args:
        tickets: All jobs that are not finished yet, and their parents' outcomes below.
        phones: Serials of the phones that take part.
        finished_on: Jobs finished earlier (resume) -> phone that ran them; None if that phone is
            not here any more, so that later rounds may run on another.
        keep_groups: Prefer a job of the group that the phone ran last (order fewest-pushes).
    """

    def __init__(
        self,
        tickets: Iterable[Ticket],
        phones: Iterable[str],
        *,
        finished_on: Mapping[str, str | None] | None = None,
        keep_groups: bool = False,
    ) -> None:
        self._phones: set[str] = set(phones)
        self._keep_groups = keep_groups
        self._last_group: dict[str, str] = {}
        self._bad_in_a_row: dict[str, int] = {}
        done = dict(finished_on or {})
        self._jobs = {ticket.job_id: _State(ticket) for ticket in tickets}
        self._children: dict[str, list[str]] = {}
        for job_id, state in self._jobs.items():
            parent = state.ticket.depends_on
            if parent is None:
                continue
            if parent in done:
                state.pinned = done[parent]
            elif parent in self._jobs:
                state.state = "waiting"
                self._children.setdefault(parent, []).append(job_id)
            else:
                raise ValueError(f"{job_id} depends on {parent}, which is not in the plan")
        self._queued = {job_id for job_id, s in self._jobs.items() if s.state == "queued"}

    # -- questions ------------------------------------------------------------------------------

    def unfinished(self) -> list[str]:
        """Return the jobs that have no outcome yet, in order."""
        open_jobs = [s for s in self._jobs.values() if s.state in ("queued", "waiting", "running")]
        return [s.ticket.job_id for s in sorted(open_jobs, key=lambda s: s.ticket.index)]

    def stranded(self) -> list[str]:
        """Return queued jobs that no phone still in the run may take, and what waits for them."""
        lost: list[str] = []
        for state in self._jobs.values():
            if state.state == "queued" and not self._homes(state):
                lost.append(state.ticket.job_id)
                lost += self._descendants(state.ticket.job_id)
        return sorted(set(lost), key=lambda job_id: self._jobs[job_id].ticket.index)

    def may_get_more(self, phone: str) -> bool:
        """Say whether a job may still come for ``phone``, now or when another one ends."""
        if phone not in self._phones:
            return False
        return any(
            phone in self._homes(state)
            for state in self._jobs.values()
            if state.state in ("queued", "running", "waiting")
        )

    def phones(self) -> frozenset[str]:
        """Return the phones still in the run."""
        return frozenset(self._phones)

    # -- events ---------------------------------------------------------------------------------

    def take(self, phone: str) -> Ticket | None:
        """Give ``phone`` its next job, or None if there is none for it now.

        First what waits for just this phone (a later round), then what fits the fewest phones, so
        that a choosy job is not left to the end; ties go by the plan's order.
        """
        if phone not in self._phones:
            return None
        best: tuple[tuple[bool, int, bool, int], str] | None = None
        for job_id in self._queued:
            state = self._jobs[job_id]
            homes = self._homes(state)
            if phone not in homes:
                continue
            other_group = self._keep_groups and state.ticket.group != self._last_group.get(
                phone, ""
            )
            rank = (state.pinned is None, len(homes), other_group, state.ticket.index)
            if best is None or rank < best[0]:
                best = (rank, job_id)
        if best is None:
            return None
        state = self._jobs[best[1]]
        state.state = "running"
        self._queued.discard(best[1])
        self._last_group[phone] = state.ticket.group
        return state.ticket

    def finished(self, job_id: str, phone: str) -> list[str]:
        """Record a finished job; return the later rounds that may start now."""
        self._end(job_id, "finished")
        self._bad_in_a_row[phone] = 0
        released = self._children.pop(job_id, [])
        for child in released:
            self._jobs[child].state = "queued"
            self._jobs[child].pinned = phone
            self._queued.add(child)
        return released

    def failed(self, job_id: str, phone: str, kind: str) -> tuple[Verdict, list[str]]:
        """Record a failed attempt.

        Returns:
            ``retry``: the job is queued again, for another phone if one fits. ``failed``: it is
            given up, and so are the later rounds, which are returned; ``skipped``: likewise, since
            every phone that fits was passed over for its gates.
        """
        state = self._jobs[job_id]
        if kind == "GateTimedOut" and state.ticket.skips_shut:
            state.passed_over.add(phone)
            if self._homes(state):
                state.state = "queued"
                self._queued.add(job_id)
                return "retry", []
            self._end(job_id, "skipped")
            return "skipped", self._drop_descendants(job_id)
        if kind in INFRASTRUCTURE:
            bad = self._bad_in_a_row[phone] = self._bad_in_a_row.get(phone, 0) + 1
            if bad >= QUARANTINE_AFTER:
                self._phones.discard(phone)
        tries = state.tries[kind] = state.tries.get(kind, 0) + 1
        if tries <= state.ticket.retries.get(kind, 0):
            state.failed_on.add(phone)
            state.state = "queued"
            self._queued.add(job_id)
            return "retry", []
        self._end(job_id, "failed")
        return "failed", self._drop_descendants(job_id)

    def put_back(self, job_id: str) -> None:
        """Queue a running job again without counting a try (the run is being stopped)."""
        self._jobs[job_id].state = "queued"
        self._queued.add(job_id)

    def skip(self, job_id: str) -> None:
        """Take a queued or waiting job out of the run."""
        self._queued.discard(job_id)
        self._jobs[job_id].state = "skipped"

    def phone_gone(self, phone: str) -> None:
        """Take a phone out of the run."""
        self._phones.discard(phone)

    # -- inside ---------------------------------------------------------------------------------

    def _homes(self, state: _State) -> frozenset[str] | set[str]:
        """Return the phones in the run that may take the job: untried ones, else any that fits."""
        if state.pinned is not None:
            return {state.pinned} & self._phones - state.passed_over
        fitting = state.ticket.candidates & self._phones - state.passed_over
        return (fitting - state.failed_on) or fitting

    def _end(self, job_id: str, outcome: str) -> None:
        state = self._jobs[job_id]
        if state.state != "running":
            raise ValueError(f"{job_id} is {state.state}, not running")
        state.state = outcome

    def _descendants(self, job_id: str) -> list[str]:
        found: list[str] = []
        for child in self._children.get(job_id, []):
            found += [child, *self._descendants(child)]
        return found

    def _drop_descendants(self, job_id: str) -> list[str]:
        dropped = self._descendants(job_id)
        for child in dropped:
            self._jobs[child].state = "skipped"
        return dropped
