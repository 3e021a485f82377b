"""A run over two hosts by dask, each with its own adb server and phone; one worker is killed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.adb.server import AdbServer
from harness.lab import status
from harness.results.nightly import nightly_runs
from harness.results.store import RunFolder
from tests.fixtures.farm import FarmPhone, eventually
from tests.fixtures.workers import WorkerStarter

pytest.importorskip("distributed", reason="needs the extra [farm]")

SCENARIO = """\
name: hosts
model: ds2-tiny
data: {corpus: accents, speaker: us-male, train: 4, validation: 2}
trainer: {batch_size: 2, epochs: 12, stop: {patience: 99, available_below_mb: 0}}
phones: {profile: oneplus-7t}
gates: off
matrix: {trainer.seed: [1, 2, 3]}
"""


def test_a_killed_workers_jobs_go_elsewhere(
    scheduler: str,
    two_hosts: list[tuple[AdbServer, FarmPhone]],
    start_harness: Callable[..., subprocess.Popen[str]],
    start_worker: WorkerStarter,
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts.yaml").write_text(SCENARIO)
    workers = [start_worker(n, server) for n, (server, _) in enumerate(two_hosts)]
    for one in workers:
        assert one.stdout is not None
        assert "offers 1 phone at" in one.stdout.readline()
    serials = [phone.serial for _, phone in two_hosts]

    dask = ("--engine", "dask", "--scheduler", scheduler)
    run = start_harness("run", "hosts.yaml", *dask, "--name", "many", "--no-report", "--json")
    path = tmp_path / "runs/many"

    def begun() -> list[str]:
        if not (path / "run.json").is_file():
            return []
        running = [row for row in status(path).attempts if row.state == "running"]
        here = [
            row for row in running if (path / f"attempts/{row.task_id}/1/events.jsonl").exists()
        ]
        return [row.task_id for row in here if row.serial == serials[1]]

    # what runs there is seen here while it runs
    (job,) = eventually(begun, 120)
    workers[1].kill()
    workers[1].communicate()
    again = start_worker(1, two_hosts[1][0])
    out, said = run.communicate(timeout=200)
    assert run.returncode == 0, said
    assert json.loads(out)["finished"] == 3
    assert f"{serials[1]} is out of reach" in said

    # the next worker on that host has cleaned the phone before it offered it
    again.send_signal(signal.SIGINT)
    workers[0].send_signal(signal.SIGTERM)
    _, notes = again.communicate(timeout=60)
    assert f"{serials[1]}: put back" in notes
    assert workers[0].communicate(timeout=60)[1] == ""
    assert (again.returncode, workers[0].returncode) == (0, 0)

    found = status(path)
    assert Counter(row.state for row in found.tasks) == {"finished": 3}
    ends = Counter(row.task_id for row in found.attempts if row.state == "finished")
    assert set(ends.values()) == {1}, "a job finished twice"
    lost = [(row.task_id, row.serial) for row in found.attempts if row.state == "lost"]
    assert lost == [(job, serials[1])]
    assert found.leases == ()
    folder = RunFolder.open(path)
    for row in found.attempts:
        if row.state != "finished":
            continue
        attempt = folder.attempt(row.task_id, row.attempt)
        result = attempt.result()
        assert result.phone.serial == row.serial
        assert len(attempt.events()) > 20
        assert attempt.samples().num_rows >= 1
        assert len(attempt.hypotheses()) == 2 * 13
        assert not list(attempt.path.glob(".*"))
        assert not (attempt.path / "samples.txt").exists()
    assert not list((tmp_path / "host-0/farm/spool").rglob("*.json"))
    for _, phone in two_hosts:
        assert phone.sh(f"ls {phone.work_dir}/attempts 2>/dev/null || true").strip() == ""


def test_a_nightly_run_over_two_hosts_is_judged(
    scheduler: str,
    two_hosts: list[tuple[AdbServer, FarmPhone]],
    start_harness: Callable[..., subprocess.Popen[str]],
    harness_here: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    text = SCENARIO.replace("epochs: 12", "epochs: 1").replace("[1, 2, 3]", "[1, 2]")
    (tmp_path / "hosts.yaml").write_text(text)
    servers = [word for server, _ in two_hosts for word in ("--adb", server.address)]
    worker = start_harness("worker", scheduler, *servers, "--listen", "127.0.0.1")
    assert worker.stdout is not None
    assert "offers 2 phones at" in worker.stdout.readline()

    words = ("nightly", "hosts.yaml", "--engine", "dask", "--scheduler", scheduler, "--json")
    first, second = (harness_here(*words) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert json.loads(first.stdout)["word"] == "no baseline"
    verdict = json.loads(second.stdout)
    assert verdict["comparison"]["before"] == [json.loads(first.stdout)["run"]]
    assert (tmp_path / verdict["page"]).is_file()
    assert (tmp_path / verdict["junit"]).is_file()
    for night in nightly_runs(tmp_path / "runs", "hosts"):
        assert Counter(row.state for row in status(night.path).tasks) == {"finished": 2}

    worker.send_signal(signal.SIGINT)
    assert worker.wait(timeout=60) == 0


def test_nobody_offers_phones(
    scheduler: str, harness_here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "hosts.yaml").write_text(SCENARIO)
    done = harness_here("run", "hosts.yaml", "--engine", "dask", "--scheduler", scheduler)
    assert done.returncode == 3
    assert f"harness worker {scheduler}" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--engine", "spark"],
        ["--engine", "dask"],
        ["--engine", "local", "--scheduler", "tcp://127.0.0.1:1"],
        ["--engine", "dask", "--scheduler", "127.0.0.1:1"],
        ["--scheduler", "tcp://127.0.0.1:1", "--farm", "virtual"],
    ],
)
def test_options_that_do_not_fit(
    options: list[str],
    harness_here: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts.yaml").write_text(SCENARIO)
    done = harness_here("run", "hosts.yaml", *options)
    assert done.returncode == 2
    assert "--" in done.stderr
    assert not (tmp_path / "runs").exists()
