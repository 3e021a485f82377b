"""Where each phone of a run stands, and when it has to be looked at again.

A phone goes ``preparing -> idle <-> busy -> leaving -> left``. One that was left unclean or failed
again and again is ``recovering`` or, between two tries, ``away``; one whose host is out of reach is
``absent``. They get no jobs until they are back, and are ``given up`` when nothing else goes on.

Nothing is decided in here: `harness.lab.scheduling.scheduler` does.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from harness.lab.ports import LabPhone
from harness.lab.scheduling.engine import Ended, Order, RunAttempt, Stepped

RECOVER_POLL_S: Final = 2.0
"""First wait between two tries to reach a phone."""

State = Literal[
    "preparing", "idle", "busy", "leaving", "recovering", "away", "absent", "left", "given up"
]
OUT: Final = ("left", "given up")
_BACK_SOON: Final = ("recovering", "away", "absent")


@dataclass
class Standing:
    """Where a phone stands."""

    phone: LabPhone
    state: State = "preparing"
    order: Order | None = None
    deadline: float = 0.0
    """When the order is overdue."""
    prepared: bool = False
    since: float = 0.0
    """When it went away."""
    retry_at: float = 0.0
    delay: float = RECOVER_POLL_S
    quarantines: int = 0
    suspect: bool = False
    """Back only by a thorough probe."""
    trouble: str = ""
    serial: str = field(init=False)
    """Its ``ro.serialno``."""

    def __post_init__(self) -> None:
        self.serial = self.phone.serial

    def answers(self, kind: type) -> bool:
        """Take a report for the answer to the phone's order, if it is standing."""
        if not isinstance(self.order, kind):
            return False
        self.order = None
        return True

    def runs(self, report: Stepped | Ended) -> bool:
        """Say whether a report is of the attempt that the phone was told to run."""
        order = self.order
        return isinstance(order, RunAttempt) and (order.job_id, order.attempt) == (
            report.job_id,
            report.attempt,
        )


class Standings:
    """All phones of a run by their states, so that no question walks over all of them."""

    def __init__(self) -> None:
        self._phones: dict[str, Standing] = {}
        self._states: Counter[str] = Counter()
        self._timers: list[tuple[float, int, str]] = []
        self._timer = 0
        self.idle: dict[str, None] = {}
        """Serials of the phones that wait for a job, longest first."""

    def __len__(self) -> int:
        """Return how many phones there are or were."""
        return len(self._phones)

    def __iter__(self) -> Iterator[Standing]:
        """Return the phones in the order in which they came."""
        return iter(self._phones.values())

    def __getitem__(self, serial: str) -> Standing:
        """Return a phone that came."""
        return self._phones[serial]

    def get(self, serial: str) -> Standing | None:
        """Return a phone; None if it never came."""
        return self._phones.get(serial)

    def add(self, phone: LabPhone) -> Standing:
        """Take in a phone whose host has to say what can be done with it."""
        standing = self._phones[phone.serial] = Standing(phone, "absent")
        self._states["absent"] += 1
        return standing

    def set(self, standing: Standing, state: State) -> None:
        """Change where a phone stands."""
        self._states[standing.state] -= 1
        self._states[state] += 1
        standing.state = state
        if state == "idle":
            self.idle[standing.serial] = None
        else:
            self.idle.pop(standing.serial, None)

    def are_out(self) -> bool:
        """Say whether no phone takes part any more."""
        return sum(self._states[state] for state in OUT) == len(self._phones)

    def only_wait(self) -> bool:
        """Say whether nothing goes on but waiting."""
        states = self._states
        return not (states["busy"] or states["preparing"] or states["leaving"])

    def waiting(self) -> list[Standing]:
        """Return the phones that may be back soon."""
        return [standing for standing in self._phones.values() if standing.state in _BACK_SOON]

    # -- time -------------------------------------------------------------------------------------

    def look_at(self, standing: Standing, when: float) -> None:
        """Have a phone returned by `due` once it is ``when``."""
        self._timer += 1
        heapq.heappush(self._timers, (when, self._timer, standing.serial))

    def next_due(self) -> float | None:
        """Return when a phone has to be looked at next."""
        return self._timers[0][0] if self._timers else None

    def due(self, now: float) -> Iterator[Standing]:
        """Return the phones that have to be looked at, also what is added meanwhile."""
        while self._timers and self._timers[0][0] <= now:
            yield self._phones[heapq.heappop(self._timers)[2]]
