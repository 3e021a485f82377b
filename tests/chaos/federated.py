"""Federated runs whose host, and whose adb server, are killed: they come to the same bits."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from harness.lab import status
from harness.results.federated import models_of
from tests.chaos.lab import ChaosLab
from tests.fixtures.federated import write_scenario

EXIT_NO_PHONE: Final = 3
LAST_TRIES: Final = 8


def prove_kills(
    lab: ChaosLab, rounds: int, kills: int, seed: int, server_every: int = 3
) -> dict[str, Any]:
    """Run undisturbed, and again with kills; say whether both come to the same.

    Args:
        lab: Phones, that train in earnest.
        rounds: Of training.
        kills: Of the host.
        seed: Of the moments.
        server_every: Each so many kills the adb server dies with the host.
    """
    text = f"""\
        limits: {{lost_s: 30, stall_s: 300, start_s: 300}}
        retry: {{lost_phone: 9, provision_failed: 9, trainer_stalled: 9}}
        federated: {{rounds: {rounds}, local_steps: 3, strategy: fedadam, evaluate_every: 99}}
        """
    write_scenario(lab.folder, text)
    assert _finish(lab) == 0, (lab.folder / "host.log").read_text()[-3000:]
    run = lab.runs / "r"
    undisturbed = [model.sha256 for model in models_of(run)]
    run.rename(lab.runs / "undisturbed")
    rng = random.Random(seed)
    done = servers = 0
    for _ in range(kills):
        with federated_host(lab) as host:
            _hear(lab, host, rng.randint(1, 120))
            if host.poll() is not None:
                break
            time.sleep(rng.uniform(0.0, 0.5))
            host.kill()
            done += 1
        if done % server_every == 0:
            lab.kill_server()
            lab.await_phones()
            servers += 1
    code = _finish(lab)
    finished = [row.task_id for row in status(run).attempts if row.state == "finished"]
    return {
        "kills": done,
        "server_kills": servers,
        "exit_code": code,
        "same_bits": [model.sha256 for model in models_of(run)] == undisturbed,
        "finished_twice": len(finished) - len(set(finished)),
        "rounds": len(undisturbed) - 1,
    }


def federated_host(lab: ChaosLab) -> subprocess.Popen[bytes]:
    with (lab.folder / "host.log").open("ab") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.fixtures.federated"),
                *(lab.server.address, str(lab.folder), ",".join(lab.adb_serials)),
            ],
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
        )


def _hear(lab: ChaosLab, host: subprocess.Popen[bytes], words: int) -> None:
    log = lab.folder / "host.log"
    before = log.read_bytes().count(b"\n")
    until = time.monotonic() + 90.0
    while time.monotonic() < until and host.poll() is None:
        if log.read_bytes().count(b"\n") - before >= words:
            return
        time.sleep(0.02)


def _finish(lab: ChaosLab) -> int:
    for _ in range(LAST_TRIES):
        with federated_host(lab) as host:
            code = host.wait(900)
        if code != EXIT_NO_PHONE:
            return code
        time.sleep(3.0)  # the adb server has just been started again
    return EXIT_NO_PHONE
