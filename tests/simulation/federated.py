"""Federated rounds through the real scheduler, on the simulated clock and phones.

The program of `harness.federated` runs in a thread of its own, but never at the same time as the
simulation: each hands over to the other when it has to wait. What clients answer, and what the host
makes of it, are digests of what they were given, so that whoever is given another model, counted
twice or left out changes the last one.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.federated import federated_program
from harness.lab.feed import TaskFeed
from harness.lab.ledger.ledger import Ledger
from harness.lab.run_tasks import outcomes_of
from harness.lab.scheduling.agenda import Outcome as TaskOutcome
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.engine import Awaited
from harness.lab.scheduling.intake import RunOverError
from harness.scenario import LoadedScenario, Task, expand_jobs
from harness.scenario.client_jobs import Client, start_job
from tests.fixtures.federated import write_scenario
from tests.simulation.engine import SimEngine
from tests.simulation.ledger import MortalLedger
from tests.simulation.run import Run
from tests.simulation.world import RETRIES, HostDied, Size, World

LIMIT_S = 4300.0
"""Of a round; a client takes from 45 to 1,300 seconds, and may have to wait for a phone."""
START = "the start"


class Baton:
    """Two threads of which one runs at a time: the simulation's and the program's."""

    def __init__(self, program: Callable[[], None]) -> None:
        self._go, self._waits = threading.Semaphore(0), threading.Semaphore(0)
        self._program = program
        self._dead = False
        self.over = False
        """Whether the program has returned, or has been stopped."""
        self.error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._dead:
                self._program()
        except BaseException as error:  # noqa: BLE001 - the thread's outermost
            self.error = error
        self.over = True
        self._waits.release()

    def pass_on(self) -> None:
        """Let the program go on until it has to wait (called by the simulation)."""
        if not self.over:
            self._go.release()
            self._waits.acquire()

    def wait(self) -> None:
        """Let the simulation go on (called by the program)."""
        self._waits.release()
        self._go.acquire()
        if self._dead:
            raise HostDied

    def kill(self) -> None:
        """The process of the program is no more."""
        self._dead = True
        self.pass_on()


class SimFeed(TaskFeed):
    """A feed whose program hands over when it has to wait."""

    baton: Baton

    def outcomes(
        self, task_ids: Iterable[str], timeout_s: float | None = None
    ) -> dict[str, TaskOutcome]:
        wanted = list(task_ids)
        while timeout_s is None and len(super().outcomes(wanted, 0.0)) < len(wanted):
            self.baton.wait()
        return super().outcomes(wanted, 0.0)

    def end(self) -> None:
        """The run has ended: whoever waits is told."""
        self._over = True
        self.baton.pass_on()


class FederatedWorld(World):
    """Also knows what was trained of what."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.made: dict[str, str] = {}
        """Task -> digest of what it made."""
        self.counted: Callable[[str], Sequence[str]] = lambda _task_id: ()

    def write(self, task_id: str, attempt: int) -> None:
        super().write(task_id, attempt)
        task = self.tickets[task_id].task
        made = self.made_of(task, self.counted(task_id))
        assert self.made.setdefault(task_id, made) == made, f"{task_id} came to two things"

    def made_of(self, task: Task, counted: Sequence[str]) -> str:
        """Return what a task makes of what its parents made."""
        if task.kind == "phone":
            assert task.job.client is not None
            words = [task.job.client.model_dump_json(), *(self.made[p] for p in task.parents)]
        elif not task.parents:
            words = [START]
        else:
            words = [task.call.arguments["before"], *(self.made[p] for p in sorted(counted))]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()


class FederatedRun(Run):
    """A federated training, from one seed.

    Args:
        size: Phones, hosts, deaths and calm; ``jobs`` and ``graph`` do not count.
        seed: Everything follows from it.
        clients: How many clients.
        rounds: Of training; half of the clients is asked in each.
        limit_s: Of a round.
        check_every: See `Run`.
    """

    host_fails = 0.0

    def __init__(
        self,
        size: Size,
        seed: int,
        clients: int,
        rounds: int,
        *,
        limit_s: float = LIMIT_S,
        check_every: int = 1,
    ) -> None:
        plain = Size(size.phones, size.hosts, 0, size.deaths, size.calm_s, 0.0)
        super().__init__(plain, seed, check_every=check_every)
        self.world: FederatedWorld = FederatedWorld(plain, seed)
        self.changes = 8 * clients * (2 + rounds // 2)
        self.rounds, self._limit_s = rounds, limit_s
        self.notes: list[str] = []
        self.done = False
        self._feed_of_life: SimFeed | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="federated-simulation-")
        loaded = write_scenario(Path(self._folder.name), self._text())
        for ticket in self._tickets(_starts(loaded, clients)):
            self.world.begin_with.append(ticket)

    def _text(self) -> str:
        return f"""\
        federated:
          rounds: {self.rounds}
          clients_per_round: 2
          evaluate_every: {self.rounds}
          round_limit_s: {self._limit_s}
        """

    def _tickets(self, tasks: Sequence[Task]) -> list[Ticket]:
        serials = list(self.world.phones)
        known = len(self.world.tickets)
        tickets = []
        for number, task in enumerate(tasks, known):
            fits: frozenset[str] = frozenset()
            if task.kind == "phone":  # some jobs fit only every second phone
                half = random.Random(task.task_id).random() < 0.2
                fits = frozenset(serials[::2] if half else serials)
            numbered = Task(
                task.task_id, task.work, task.parents, task.place, task.beside, task.quorum, number
            )
            ticket = Ticket(numbered, fits, retries=RETRIES)
            self.world.tickets[task.task_id] = ticket
            tickets.append(ticket)
        return tickets

    # -- the program ------------------------------------------------------------------------------

    def _to_come(self, ledger: Ledger) -> list[tuple[float, list[Ticket]]]:
        return [] if self.done else [(0.0, [])]

    def _begin_feed(self, engine: SimEngine, ledger: Ledger, batches: Any) -> None:
        self.world.counted = lambda task_id: ledger.counted_parents(task_id) or ()
        intake = self.scheduler.open_intake()
        lost = self.world.tickets.keys() - {row.task_id for row in ledger.rows()}
        for task_id in lost:  # the host died before the ledger had them
            del self.world.tickets[task_id]

        def plan(tasks: Sequence[Task]) -> list[Ticket]:
            tickets = self._tickets(tasks)
            self.since.update(dict.fromkeys((t.job_id for t in tickets), self.world.clock.now))
            return tickets

        feed = SimFeed(
            None,  # type: ignore[arg-type]  # nobody looks for files
            intake,
            plan,
            lambda _: None,
            outcomes_of(ledger),
            ledger.tasks(),
            self.notes.append,
        )
        baton = feed.baton = Baton(lambda: federated_program(Path(self._folder.name))(feed))

        def wait_for(report: Awaited) -> None:
            while not report.done.is_set():
                baton.wait()
            if report.refusals:
                raise RunOverError(report.refusals[0])

        intake._wait_for = wait_for  # type: ignore[method-assign]
        self._feed_of_life = feed

        def go_on() -> None:
            baton.pass_on()
            if baton.over:
                self._raise(baton.error)
                if baton.error is None:
                    self.done = True
                intake.close()

        engine.go_on = go_on

    @staticmethod
    def _raise(error: BaseException | None) -> None:
        if error is not None and not isinstance(error, (RunOverError, HostDied)):
            raise error

    def _settled(self, outcome: TaskOutcome) -> None:
        if self._feed_of_life is not None:
            self._feed_of_life.settled(outcome)

    def _live(self, ledger: MortalLedger, root: Path) -> bool:
        self._feed_of_life = None
        died = super()._live(ledger, root)
        feed = self._feed_of_life
        if feed is not None and not feed.baton.over:
            if died:
                feed.baton.kill()
            else:
                feed.end()
        if feed is not None:
            self._raise(feed.baton.error)
        return died

    # -- what must always be so -------------------------------------------------------------------

    def _check_start(self, ledger: Ledger, task_id: str, serial: str) -> None:
        super()._check_start(ledger, task_id, serial)
        task = self.world.tickets[task_id].task
        if task.quorum is not None and len(ledger.attempts(task_id)) == 1:
            waited = self.world.clock.now - self.since[task_id]
            assert waited <= task.quorum.after_s + 1.0, f"{task_id} waited beyond its limit"

    def _check_end(self, ledger: Ledger, root: Path) -> None:
        super()._check_end(ledger, root)
        tasks = {task.task_id: task for task in ledger.tasks()}
        rows = {row.task_id: row for row in ledger.rows()}
        models = [
            task for task in tasks.values() if task.kind == "host" and task.quorum is not None
        ]
        ends = {change.key: change.id for change in ledger.changes() if change.new == "finished"}
        for model in models:
            asked = [tasks[parent].job.client for parent in model.parents]
            assert len({client.client for client in asked if client}) == len(asked)
            if rows[model.task_id].state != "finished":
                continue
            counted = ledger.counted_parents(model.task_id) or []
            assert model.quorum is not None
            assert len(counted) >= model.quorum.enough
            # who counts had answered before, and what is made is what a run without any trouble
            # makes of the same clients' answers
            assert all(ends[parent] < ends[model.task_id] for parent in counted)
            assert self.world.made[model.task_id] == self.world.made_of(model, counted)
        train = [t for t in tasks.values() if t.kind == "phone" and t.job.client.role == "train"]  # type: ignore[union-attr]
        assert {parent for model in models for parent in model.parents} == {
            task.task_id for task in train
        }
        self.late = sum(rows[task.task_id].is_withdrawn for task in train)
        self.models = [self.world.made[m.task_id] for m in models if m.task_id in self.world.made]
        with suppress(OSError):
            self._folder.cleanup()


def _starts(loaded: LoadedScenario, clients: int) -> list[Task]:
    template = expand_jobs(loaded)[0]
    federated = template.content.federated
    assert federated is not None
    asked = max(2, clients // 2)
    few = {"clients_per_round": asked, "min_answers": max(1, asked // 4)}
    content = template.content.model_copy(update={"federated": federated.model_copy(update=few)})
    template = template.model_copy(update={"content": content})
    names = [f"client-{number:04d}" for number in range(clients)]
    return [
        Task.of_job(start_job(template, Client(name=name, data=content.data))) for name in names
    ]
