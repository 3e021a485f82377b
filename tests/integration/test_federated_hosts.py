"""A federated run over two hosts by dask, one of whose workers is killed in the middle."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.server import AdbServer
from harness.lab import status
from harness.results.federated import models_of
from tests.fixtures.farm import FarmPhone, eventually
from tests.fixtures.federated import SPEAKERS, write_scenario
from tests.fixtures.workers import WorkerStarter

pytest.importorskip("distributed", reason="needs the extra [farm]")

ROUNDS = """\
limits: {lost_s: 15}
federated: {rounds: 1, local_steps: 3, strategy: fedadam, evaluate_every: 9}
"""

CLIENTS = SPEAKERS[:2]


def test_a_worker_that_is_killed_in_a_round_changes_no_bit(
    scheduler: str,
    two_hosts_that_train: list[tuple[AdbServer, FarmPhone]],
    start_harness: Callable[..., subprocess.Popen[str]],
    start_worker: WorkerStarter,
    tmp_path: Path,
) -> None:
    write_scenario(tmp_path, ROUNDS, speakers=CLIENTS)
    serials = [phone.serial for _, phone in two_hosts_that_train]
    workers = [start_worker(n, server) for n, (server, _) in enumerate(two_hosts_that_train)]
    for worker in workers:
        assert worker.stdout is not None
        assert "offers 1 phone at" in worker.stdout.readline()

    def begin(name: str) -> tuple[subprocess.Popen[str], Path]:
        dask = ("--engine", "dask", "--scheduler", scheduler)
        words = ("run", "federated.yaml", *dask, "--name", name, "--no-report", "--json")
        return start_harness(*words), tmp_path / "runs" / name

    whole, undisturbed = begin("whole")
    _, words = whole.communicate(timeout=200)
    assert whole.returncode == 0, words

    run, path = begin("killed")

    def training() -> list[str]:
        if not (path / "run.json").is_file():
            return []
        rows = [row for row in status(path).attempts if row.state == "running"]
        return [r.task_id for r in rows if r.serial == serials[1] and "-r001-" in r.task_id]

    (job,) = eventually(training, 240)  # three workers share two cores
    workers[1].kill()
    out, words = run.communicate(timeout=200)
    assert run.returncode == 0, words
    assert json.loads(out)["finished"] == 8
    assert f"{serials[1]} is out of reach" in words

    models = models_of(path)
    assert [answer.client for answer in models[1].answers] == list(CLIENTS)
    assert [model.sha256 for model in models] == [m.sha256 for m in models_of(undisturbed)]
    attempts = status(path).attempts
    assert [(r.task_id, r.serial) for r in attempts if r.state == "lost"] == [(job, serials[1])]
    ends = Counter(row.task_id for row in attempts if row.state == "finished")
    assert set(ends.values()) == {1}, "nothing is answered twice"
