"""Federated rounds through the real scheduler: losses, late answers, a host that dies.

In full, 1,000 clients on 200 phones: ``script/bench federated simulate``.
"""

from __future__ import annotations

import pytest

from harness.lab.scheduling.graph import Graph
from tests.simulation import engine
from tests.simulation.federated import FederatedRun
from tests.simulation.world import Size

CLIENTS, ROUNDS = 40, 4
SMALL = Size(phones=8, hosts=2, deaths=4, calm_s=7200.0)
SEEDS = range(1, 9)


def test_whatever_happens_rounds_come_to_what_their_answers_make() -> None:
    runs = [FederatedRun(SMALL, seed, CLIENTS, ROUNDS) for seed in SEEDS]
    outcomes = [run.go() for run in runs]
    trained = [len(run.models) for run in runs]
    # it would prove little if nothing had happened
    assert trained.count(ROUNDS) > len(SEEDS) / 2, trained
    assert sum(run.deaths for run in runs) > 2 * len(SEEDS)
    assert sum(outcome.rejoined for outcome in outcomes) > len(SEEDS)
    assert sum(outcome.by_quorum for outcome in outcomes) > len(SEEDS)
    assert sum(run.late for run in runs) > len(SEEDS)
    assert sum(outcome.stopped for outcome in outcomes) > 0


def test_a_host_that_dies_comes_to_the_models_of_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "PROBLEMS", ())
    monkeypatch.setattr(engine, "HANGS", 0.0)

    def calm(deaths: int) -> FederatedRun:
        size = Size(phones=8, hosts=2, deaths=deaths, calm_s=1e12)
        run = FederatedRun(size, 3, CLIENTS, ROUNDS, limit_s=1e6)
        run.go()
        return run

    whole, dies = calm(0), calm(6)
    assert (whole.deaths, len(whole.models)) == (0, ROUNDS)
    assert dies.deaths > 3
    assert dies.models == whole.models


def test_a_round_that_is_never_closed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Graph, "due", lambda _self, _now: [])
    monkeypatch.setattr(Graph, "next_due", lambda _self: None)

    def until_it_fails() -> None:
        for seed in SEEDS:
            FederatedRun(SMALL, seed, CLIENTS, ROUNDS).go()

    with pytest.raises(AssertionError, match="beyond its limit"):
        until_it_fails()
