"""The program that adds the rounds of federated training to a run, and goes on with them.

It keeps nothing itself: what it needs to know stands in the ledger and in the folders of the host's
tasks, so a resumed run calls it anew and it goes on where the run was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import InputError
from harness.federated.clients import Federation, drawn, federations_of
from harness.federated.late import close_round
from harness.federated.pruning.rounds import GoesOut, PrunedRounds
from harness.federated.rounds import ROUND, round_arguments
from harness.federated.sent import sent_tasks
from harness.federated.start import add_start
from harness.lab.feed import FeedProgram, TaskFeed
from harness.results.federated import mean_rates
from harness.scenario.client_jobs import later_job
from harness.scenario.federated import Federated
from harness.scenario.spec import JobSpec
from harness.scenario.task import HostCall, Quorum, Task


def federated_program(folder: Path) -> FeedProgram:
    """Return the program that runs the federations of a run, one after the other.

    Args:
        folder: Relative paths of the scenario start here.
    """

    def program(feed: TaskFeed) -> None:
        for federation in federations_of(feed.tasks()):
            if federation.settings.strategy.is_flower:
                from harness.federated.flower.training import train

                train(federation, feed, folder)
            else:
                Training(federation, feed, folder).run()

    return program


def check_server(settings: Federated, folder: Path) -> None:
    """Check, before a phone is touched, that the server of a federated training can be made.

    Args:
        settings: Of the training.
        folder: Relative paths start here.

    Raises:
        InputError: It cannot: Flower is not installed, or there is no such strategy or app.
    """
    if not settings.strategy.is_flower:
        return
    try:
        from harness.federated.flower.load import check
    except ModuleNotFoundError as error:
        raise InputError(
            f"Flower's strategies need the extra [federated] ({error.name} is not installed)",
            where="federated.strategy",
            hint="Install the extra [federated] (README): pip install flwr.",
        ) from error
    try:
        check(settings, folder)
    except InputError as error:
        where = f"federated.strategy: {error.where}" if error.where else "federated.strategy"
        raise InputError(error.what, where=where, hint=error.hint) from error


class Training:
    """One federated training as it goes on.

    Args:
        federation: Which.
        feed: Takes its tasks.
        folder: Relative paths of the scenario start here.
    """

    def __init__(self, federation: Federation, feed: TaskFeed, folder: Path) -> None:
        self._federation = federation
        self._feed = feed
        self._folder = folder
        self._settings = federation.settings
        pruning = federation.settings.pruning
        self._pruned = None
        if pruning is not None:
            self._pruned = PrunedRounds(federation, pruning, feed, folder)

    def run(self) -> None:
        """Add rounds until the last one, until it gets no better, or until one fails.

        Raises:
            InputError: A job cannot be; it is told before any of its round starts.
            RunOverError: The run is stopped.
        """
        add_start(self._federation, self._feed, self._folder)
        evaluations: dict[str, None] = {}
        rates: list[float] = []
        done = 0
        for round_ in range(1, self._settings.rounds + 1):
            if self._settings.stop_patience is not None:
                rates += self._mean_rate(self._add_evaluations(done))
                if self._is_over(rates, self._settings.stop_patience):
                    break
            is_added = self._add_round(round_)  # before the evaluations: phones train first
            evaluations |= self._add_evaluations(done)
            if not (is_added and self._finished(round_)):
                return
            done = round_
        evaluations |= self._add_evaluations(done, last=True)
        self._feed.outcomes(evaluations)

    # -- tasks ------------------------------------------------------------------------------------

    def _add_round(self, round_: int) -> bool:
        """Let clients train; say whether there is something for them to train."""
        name, before = self._federation.model(round_), self._federation.model(round_ - 1)
        if self._feed.knows(name):
            return True
        out: GoesOut | None = GoesOut(before)
        if self._pruned is not None:
            out = self._pruned.trained(round_)
        if out is None:
            return False
        clients = list(self._federation.starts)
        asked = drawn(clients, self._settings.asked(len(clients)), self._settings.seed, round_)
        jobs = [
            later_job(self._federation.starts[client], "train", round_, model=out.model)
            for client in asked
        ]
        part = None if self._pruned is None else out.task
        packing, sent = sent_tasks(self._federation, round_ - 1, asked, part)
        packed = {client: task for client, task in sent.items() if task != out.task}
        arguments = round_arguments(
            self._federation.name, self._settings, round_, before, asked, packed
        )
        if self._pruned is not None:
            arguments |= self._pruned.round_arguments(out)
        enough = self._settings.enough(len(jobs))
        make = Task(
            name,
            HostCall(ROUND, arguments),
            tuple(job.job_id for job in jobs),
            quorum=Quorum(enough, self._settings.round_limit_s),
        )
        self._feed.add([*self._unknown(packing), *_after(sent, jobs), make])
        return True

    def _add_evaluations(self, round_: int, *, last: bool = False) -> dict[str, None]:
        """Let every client evaluate the model of a round, if it is a round for that.

        Returns:
            The jobs; those of the start were there before.
        """
        if round_ == 0:
            return dict.fromkeys(job.job_id for job in self._federation.starts.values())
        if not (last or round_ % self._settings.evaluate_every == 0):
            return {}
        out = GoesOut(self._federation.model(round_))
        if self._pruned is not None:
            out = self._pruned.heard(round_)
        jobs = [
            later_job(start, "evaluate", round_, model=out.model)
            for start in self._federation.starts.values()
        ]
        new = [job for job in jobs if not self._feed.knows(job.job_id)]
        if new:
            part = None if self._pruned is None else out.task
            packing, sent = sent_tasks(self._federation, round_, None, part)
            self._feed.add([*out.tasks, *self._unknown(packing), *_after(sent, new)])
        return dict.fromkeys(job.job_id for job in jobs)

    def _unknown(self, tasks: Iterable[Task]) -> list[Task]:
        """Return those that the run does not have yet: a model is trained and listened to."""
        return [task for task in tasks if not self._feed.knows(task.task_id)]

    # -- what has come of it ----------------------------------------------------------------------

    def _finished(self, round_: int) -> bool:
        """Wait for the model of a round; say why if there is none."""
        name = self._federation.model(round_)
        outcome = self._feed.outcomes([name])[name]
        close_round(
            self._feed,
            round_,
            [
                task.job
                for task in self._feed.tasks()
                if task.kind == "phone"
                and task.job.client is not None
                and (task.job.client.federation, task.job.client.role, task.job.client.round)
                == (self._federation.name, "train", round_)
            ],
        )
        if outcome.state != "finished":
            self._feed.note(f"federated training ends in round {round_}: {outcome.reason}")
            return False
        return True

    def _is_over(self, rates: Sequence[float], patience: int) -> bool:
        """Say whether the model has stopped getting better (``stop_patience``).

        Args:
            rates: Mean word error rate of each round that was evaluated, in order.
            patience: So many rounds may be no better than the best one before.
        """
        best = min(range(len(rates)), key=rates.__getitem__, default=0)
        if len(rates) - 1 - best < patience:
            return False
        self._feed.note(
            f"federated training ends: {patience} evaluations without a lower word error rate "
            f"than {rates[best]:.1f} %"
        )
        return True

    def _mean_rate(self, evaluations: Iterable[str]) -> list[float]:
        """Wait for the evaluations of a round; return its mean rate, nothing if nobody has one."""
        results = [
            self._feed.folder.attempt(job_id, outcome.attempt).result()
            for job_id, outcome in self._feed.outcomes(evaluations).items()
            if outcome.attempt is not None
        ]
        return [rate for _, rate in mean_rates(results, self._federation.name)]


def _after(sent: Mapping[str, str], jobs: Sequence[JobSpec]) -> list[Task]:
    """Return jobs as tasks, each after the one that leaves what its client is sent."""
    return [Task(job.job_id, job, (sent[job.client.client],)) for job in jobs if job.client]
