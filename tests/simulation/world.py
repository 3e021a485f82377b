"""What is simulated: time, phones with what runs on them, and what happens to them."""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from harness.adb.errors import DeviceLost
from harness.devices.inventory import PhoneInfo
from harness.lab.clock import utc_text
from harness.lab.ports import LabPhone
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.job_queue import QueueOrder
from harness.scenario.task import Quorum, Task
from tests.fixtures.tasks import host_task, phone_task

BEGIN: Final = datetime(2026, 1, 1, tzinfo=timezone.utc)
LOST_S: Final = 120.0
PROFILES: Final = ("oneplus-7t", "pixel-4", "redmi-note-7-pro", "galaxy-s10")
HOST_RETRIES: Final = 1
RETRIES: Final = {"DeviceLost": 2, "ProvisionFailed": 1, "TrainerStalled": 1}


class HostDied(BaseException):
    """The process of the coordinator is no more."""


class SimClock:
    """Time that passes only when the simulation says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> str:
        return _utc(self.now)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return event.is_set()


@lru_cache(maxsize=64)
def _utc(now: float) -> str:
    return utc_text(BEGIN + timedelta(seconds=now))


@dataclass(frozen=True)
class Size:
    """How much of what.

    Args:
        phones: Phones.
        hosts: Lab hosts that they hang on.
        jobs: Tasks.
        deaths: How often the coordinator dies at most.
        calm_s: Mean time between two faults of one phone.
        graph: Share of the tasks that run on the host or have many parents, and of the runs in
            which tasks come while they go on.
    """

    phones: int = 6
    hosts: int = 2
    jobs: int = 40
    deaths: int = 3
    calm_s: float = 3600.0
    graph: float = 0.3


@dataclass
class Training:
    """A trainer on a phone: goes on without any host."""

    job: str
    attempt: int
    ends: float
    boot: int


@dataclass
class SimPhone:
    """A phone as it is, whatever anybody believes."""

    lab: LabPhone
    host: int
    cable: bool = True
    cable_since: float = 0.0
    boot: int = 0
    bad_until: float = 0.0
    """Until then every attempt fails, and so does a thorough probe."""
    unclean: bool = False
    training: Training | None = None
    """Also what has ended there, until somebody cleans the phone."""


@dataclass
class World:
    """Phones, hosts, jobs and the things that happen to them, from one seed."""

    size: Size
    seed: int
    clock: SimClock = field(default_factory=SimClock)
    told: list[str] = field(default_factory=list)
    verbose: bool = False

    def __post_init__(self) -> None:
        self.rng = random.Random(f"world {self.seed}")
        self.phones = {
            (serial := f"p{n:04d}"): SimPhone(lab_phone(serial, n), n % self.size.hosts)
            for n in range(self.size.phones)
        }
        self.host_up = [True] * self.size.hosts
        self.results: dict[tuple[str, int], Any] = {}
        """What lies in the run folder."""
        self.finished_jobs: dict[str, int] = {}
        self.failures: dict[str, list[str]] = {}
        """Job -> kinds of failure of its attempts."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._n = 0
        self.on_host: Callable[[int, bool], None] = lambda _host, _up: None
        self.order: QueueOrder = self.rng.choices(("plan", "groups", "heat"), (7, 2, 1))[0]
        tickets = self._make_tasks()
        self.tickets = {ticket.job_id: ticket for ticket in tickets}
        """All tasks, also those that come later."""
        self.begin_with, self.batches = self._cut(tickets)
        for phone in self.phones.values():
            self._next_fault(phone)
        for host in range(self.size.hosts):
            self.later(self.rng.expovariate(1 / (20 * self.size.calm_s)), self._host_down, host)

    def say(self, text: str) -> None:
        if self.verbose:
            self.told.append(f"{self.clock.now:10.1f} {text}")

    # -- time -------------------------------------------------------------------------------------

    def later(self, seconds: float, do: Callable[..., None], *values: Any) -> None:
        self._n += 1
        heapq.heappush(self._heap, (self.clock.now + seconds, self._n, lambda: do(*values)))

    def advance(self, until: float) -> bool:
        """Let the next thing happen, if it is due by then; else only time passes."""
        if not self._heap or self._heap[0][0] > until:
            self.clock.now = max(self.clock.now, until)
            return False
        when, _, do = heapq.heappop(self._heap)
        self.clock.now = max(self.clock.now, when)
        do()
        return True

    # -- jobs -------------------------------------------------------------------------------------

    def _make_tasks(self) -> list[Ticket]:
        serials = list(self.phones)
        kinds = [frozenset(serials)]
        for n in range(len(PROFILES)):
            kinds.append(frozenset(serials[n :: len(PROFILES)]) or kinds[0])
        kinds += [frozenset(self.rng.sample(serials, min(3, len(serials)))) for _ in range(3)]
        tickets: list[Ticket] = []
        for n in range(self.size.jobs):
            if tickets and self.rng.random() < self.size.graph:
                tickets.append(self._node(n, tickets, kinds[0]))
                continue
            before = tickets[-1] if tickets and tickets[-1].task.kind == "phone" else None
            parent = before if before and self.rng.random() < 0.15 else None
            if parent is not None:
                fits = parent.candidates
            elif self.rng.random() < 0.05:
                fits = frozenset([self.rng.choice(serials)])
            else:
                fits = self.rng.choices(kinds, [10, 3, 3, 3, 3, 1, 1, 1])[0]
            task = phone_task(f"j{n:06d}", n, beside=parent.job_id if parent else None)
            tickets.append(self._ticket(task, fits))
        return tickets

    def _ticket(self, task: Task, fits: frozenset[str]) -> Ticket:
        return Ticket(
            task,
            fits,
            group="abc"[task.index % 3],
            heat=task.index * 7 % 5,
            retries=RETRIES,
            skips_shut=self.rng.random() < 0.1,
        )

    def _node(self, n: int, tickets: Sequence[Ticket], anywhere: frozenset[str]) -> Ticket:
        """Return a task of the host, or one with many parents, some of them with a quorum."""
        recent = tickets[-12:]
        chosen = self.rng.sample(recent, self.rng.randint(1, min(5, len(recent))))
        parents = [ticket.job_id for ticket in chosen]
        quorum = None
        if self.rng.random() < 0.5:
            enough = self.rng.randint(1, len(parents))
            quorum = Quorum(enough, self.rng.choice([0.0, 300.0, 3000.0, 30000.0]))
        if self.rng.random() < 0.4:
            none = self.rng.random() < 0.1
            name = f"h{n:06d}"
            return Ticket(
                host_task(
                    name,
                    n,
                    parents=() if none else parents,
                    quorum=None if none else quorum,
                    retries=HOST_RETRIES,
                )
            )
        on_phones = [ticket for ticket in chosen if ticket.task.kind == "phone"]
        beside = on_phones[0] if on_phones and self.rng.random() < 0.5 else None
        task = phone_task(
            f"j{n:06d}",
            n,
            parents=parents,
            beside=beside.job_id if beside else None,
            quorum=quorum,
        )
        return self._ticket(task, beside.candidates if beside else anywhere)

    def _cut(self, tickets: list[Ticket]) -> tuple[list[Ticket], list[tuple[float, list[Ticket]]]]:
        """Return what a run begins with, and what comes when."""
        if self.rng.random() >= 2 * self.size.graph:
            return tickets, []
        first = self.rng.randint(1, len(tickets))
        batches: list[tuple[float, list[Ticket]]] = []
        rest, when = tickets[first:], 0.0
        while rest:
            count = self.rng.randint(1, len(rest))
            when += self.rng.choice([0.0, 100.0, 2000.0, 20000.0])
            batches.append((when, rest[:count]))
            rest = rest[count:]
        return tickets[:first], batches

    def written(self, job: str, attempt: int) -> Any:
        return SimpleNamespace(failure=None) if (job, attempt) in self.results else None

    def write(self, task_id: str, attempt: int) -> None:
        """Let a result lie in the run folder."""
        key = (task_id, attempt)
        assert key not in self.results, "an attempt that finishes twice"
        before = self.finished_jobs.setdefault(task_id, attempt)
        assert before == attempt, f"{task_id} finished already, in attempt {before}"
        self.results[key] = True

    # -- phones -----------------------------------------------------------------------------------

    def reachable(self, phone: SimPhone) -> bool:
        return phone.cable and self.host_up[phone.host]

    def _next_fault(self, phone: SimPhone) -> None:
        self.later(self.rng.expovariate(1 / self.size.calm_s), self._fault, phone)

    def _fault(self, phone: SimPhone) -> None:
        kind = self.rng.choices(["cable", "reboot", "bad", "trainer"], [5, 2, 1, 2])[0]
        self.say(f"{phone.lab.serial}: {kind}")
        if kind == "cable":
            # Mostly somebody puts it back soon; now and then nobody does before morning.
            self._unplug(phone, self.rng.choices([10.0, 100.0, 1500.0, 40000.0], [5, 3, 3, 1])[0])
        elif kind == "reboot":
            phone.boot += 1
            self._unplug(phone, 45.0)
        elif kind == "bad":
            phone.bad_until = self.clock.now + self.rng.expovariate(1 / 1500.0)
        else:
            phone.boot += 1  # to what trains there it is the same
        self._next_fault(phone)

    def _unplug(self, phone: SimPhone, seconds: float) -> None:
        if phone.cable:
            phone.cable, phone.cable_since = False, self.clock.now
            self.later(self.rng.uniform(0.5, 1.5) * seconds, self._plug, phone)

    def _plug(self, phone: SimPhone) -> None:
        phone.cable, phone.cable_since = True, self.clock.now

    def _host_down(self, host: int) -> None:
        self.say(f"host {host} down")
        self.host_up[host] = False
        self.on_host(host, False)
        self.later(self.rng.uniform(20, 4000), self._host_back, host)

    def _host_back(self, host: int) -> None:
        self.say(f"host {host} up")
        self.host_up[host] = True
        self.on_host(host, True)
        self.later(self.rng.expovariate(1 / (20 * self.size.calm_s)), self._host_down, host)

    def clean(self, phone: SimPhone) -> None:
        phone.unclean, phone.training = False, None


@dataclass(frozen=True)
class _Said:
    stdout: str = ""
    stderr: str = ""
    code: int = 0


class SimTools:
    """The part of `harness.lab.ports.Tools` that recovery calls."""

    def __init__(self, world: World) -> None:
        self._world = world

    def shell(self, phone: LabPhone, command: Sequence[str], timeout_s: float) -> _Said:
        """Take the note that the phone is held: there is one coordinator here."""
        assert "lease/note" in command[-1]
        if not self._world.reachable(self._world.phones[phone.serial]):
            raise DeviceLost("gone", serial=phone.serial)
        return _Said()

    def clean(self, phone: LabPhone, *, speech: bool) -> Sequence[str]:
        sim_phone = self._world.phones[phone.serial]
        if not self._world.reachable(sim_phone):
            raise DeviceLost("gone", serial=phone.serial)
        self._world.clean(sim_phone)
        return []


def lab_phone(serial: str, n: int) -> LabPhone:
    """Return a phone that nobody can talk to."""
    info = PhoneInfo(
        serial=serial,
        adb_serial=serial,
        adb_server="sim:5037",
        state="device",
        profile=PROFILES[n % len(PROFILES)],
        model="simulated",
        android="10",
        sdk=29,
        abi="x86_64",
        soc="none",
        ram_total_mb=4000.0,
        origin="virtual",
    )
    return LabPhone(info, None)
