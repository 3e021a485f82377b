"""Many small runs on the simulated clock: what must never happen is asserted as they go.

A seed that fails prints the line that replays it, ``script/bench simulation --seed ... --log``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from harness.lab.dispatch import Dispatcher
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
    found = [go(SMALL, seed) for seed in range(first, first + BLOCK)]
    assert all(sum(one.jobs.values()) == SMALL.jobs for one in found)
    # it would prove little if nothing had happened
    assert sum(one.lives for one in found) > BLOCK
    assert sum(one.rejoined for one in found) > BLOCK
    assert sum(one.quarantines for one in found) > 0


def test_a_farm_of_some_hosts() -> None:
    found = go(Size(phones=40, hosts=5, jobs=300, deaths=4), 7)
    assert found.jobs["finished"] > 200


def test_without_faults_every_job_finishes_once_or_fails_by_its_own_fault() -> None:
    found = go(Size(deaths=0, calm_s=1e12), 3)
    assert found.lives == 1
    assert found.jobs.get("finished", 0) + found.jobs.get("failed", 0) + found.jobs.get(
        "skipped", 0
    ) == (SMALL.jobs)
    assert found.jobs["finished"] > 30


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


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dispatcher, "fits", lambda *_: False)  # a job that comes free wakes nobody
    with pytest.raises(AssertionError, match=r"idle while .* is queued and fits"):
        Run(SMALL, 13).go()
