"""Many small runs on the simulated clock: what must never happen is asserted as they go.

A seed that fails prints the line that replays it, ``script/bench simulation --seed ... --log``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from harness.lab.ledger.tables import TaskRow
from harness.lab.scheduling import graph
from harness.lab.scheduling.agenda import Agenda
from harness.lab.scheduling.demand import Ticket
from harness.lab.scheduling.dispatch import Dispatcher
from tests.simulation.command import replay
from tests.simulation.run import Outcome, Run
from tests.simulation.world import Size

SMALL = Size()
SEEDS = 100
BLOCK = 25


def go(size: Size, seed: int) -> Outcome:
    try:
        return Run(size, seed).go()
    except Exception as error:
        raise AssertionError(f"{error}\nreplay: {replay(size, seed)} --log") from error


@pytest.mark.parametrize("first", range(1, SEEDS + 1, BLOCK))
def test_no_job_is_lost_or_finished_twice_and_no_phone_idles(first: int) -> None:
    outcomes = [go(SMALL, seed) for seed in range(first, first + BLOCK)]
    assert all(sum(outcome.jobs.values()) == SMALL.jobs for outcome in outcomes)
    # it would prove little if nothing had happened
    assert sum(outcome.lives for outcome in outcomes) > BLOCK
    assert sum(outcome.rejoined for outcome in outcomes) > BLOCK
    assert sum(outcome.quarantines for outcome in outcomes) > 0
    assert sum(outcome.on_host for outcome in outcomes) > BLOCK
    assert sum(outcome.by_quorum for outcome in outcomes) > BLOCK / 5
    assert sum(outcome.came_later for outcome in outcomes) > 3 * BLOCK
    assert sum(outcome.withdrawn for outcome in outcomes) > BLOCK
    assert sum(outcome.stopped for outcome in outcomes) > BLOCK / 5


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_matrix_without_a_graph(seed: int) -> None:
    outcome = go(Size(graph=0.0), seed)
    assert sum(outcome.jobs.values()) == SMALL.jobs
    assert (outcome.on_host, outcome.by_quorum, outcome.came_later) == (0, 0, 0)


def test_a_farm_of_some_hosts() -> None:
    outcome = go(Size(phones=40, hosts=5, jobs=300, deaths=4), 7)
    assert outcome.jobs["finished"] > 150


def test_without_faults_every_job_finishes_once_or_fails_by_its_own_fault() -> None:
    outcome = go(Size(deaths=0, calm_s=1e12), 4)
    assert outcome.lives == 1
    assert outcome.jobs.get("finished", 0) + outcome.jobs.get("failed", 0) + outcome.jobs.get(
        "skipped", 0
    ) == (SMALL.jobs)
    assert outcome.jobs["finished"] > 20


def test_a_seed_replays_exactly_in_any_process() -> None:
    here = go(SMALL, 5)
    assert Run(SMALL, 5).go() == here
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.command", "--seed", "5"],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["digest"] == here.digest
    assert Run(SMALL, 6).go().digest != here.digest


def until_it_fails() -> None:
    for seed in range(1, 40):
        Run(SMALL, seed).go()


def test_a_quorum_that_is_not_honoured_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "_decide", lambda node, _why: graph._start(node))
    monkeypatch.setattr(graph, "_start", start_with_none)
    with pytest.raises(AssertionError, match="with \\[\\]"):
        until_it_fails()


def start_with_none(node: graph._Waiting) -> graph.Decision:
    return graph.Decision(node.task.task_id, (), "at once")


def test_a_limit_that_is_over_too_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    due = graph.Graph.due
    monkeypatch.setattr(graph.Graph, "due", lambda self, now: due(self, now + 250.0))
    with pytest.raises(AssertionError, match="too early"):
        until_it_fails()


def test_a_task_on_another_phone_than_its_parents_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Dispatcher, "_still_here", lambda _self, _phone: None)
    with pytest.raises(AssertionError, match="its parent on"):
        until_it_fails()


def test_tasks_that_are_recorded_and_then_forgotten_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_record(agenda: Agenda, tickets: Sequence[Ticket]) -> None:
        agenda._ledger.add([ticket.task for ticket in tickets])

    monkeypatch.setattr(Agenda, "add", only_record)
    with pytest.raises(AssertionError, match=r"idle while .* is queued and fits"):
        until_it_fails()


def test_a_withdrawal_that_a_resumed_run_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskRow, "is_withdrawn", False)
    with pytest.raises(AssertionError):
        until_it_fails()


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "fits", lambda *_: False)  # a job that comes free wakes nobody
    with pytest.raises(AssertionError, match=r"idle while .* is queued and fits"):
        until_it_fails()
