"""The host of a run is killed at random moments (``--server-every``: the adb server too).

``script/bench kills [--kills 25] [--phones 4] [--jobs 16] [--seed 1]``. In the end every job has
finished once, and no event and no sample of an attempt that finished is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.contract.events import Finished
from harness.lab import status
from harness.lab.ledger.ledger import Ledger
from harness.results.store import RunFolder
from tests.chaos.lab import ChaosLab, chaos_lab

LAST_LIMIT_S = 900.0
LAST_TRIES = 5
SILENT_LIMIT_S = 60.0
EARLY = 0.15
"""Share of kills before the host has said anything."""
WORDS_AT_MOST = 120
EXIT_NO_PHONE = 3


@dataclass(frozen=True)
class Verdict:
    """What became of a run whose host was killed again and again."""

    kills: int
    server_kills: int
    jobs: dict[str, int]
    attempts: dict[str, int]
    """State in the ledger -> attempts."""
    rejoined: int
    """Times that an attempt went on under another host."""
    finished_twice: int
    events_missing: int
    samples_missing: int
    """Of the attempts that finished; a slow phone misses some by itself."""
    leases_left: int
    seconds: float


def prove(lab: ChaosLab, kills: int, jobs: int, seed: int, server_every: int = 0) -> Verdict:
    """Kill the host ``kills`` times, then let it finish.

    Args:
        lab: Phones.
        kills: How often.
        jobs: How many jobs the run has.
        seed: Of the moments.
        server_every: Each so many kills the adb server dies with the host; 0 = never.
    """
    rng = random.Random(seed)
    lab.write_scenario(jobs)
    begun = time.monotonic()
    server_kills = done = 0
    while done < kills:
        # Counted in what the host says, not in seconds: a slow machine makes the same moments.
        early = rng.random() < EARLY
        words = 0 if early else rng.randint(1, WORDS_AT_MOST)
        with start_host(lab) as host:
            _hear(lab, host, words)
            if host.poll() is not None:
                if host.returncode == 0:
                    break  # nothing is left to be killed
                continue
            time.sleep(rng.uniform(0.0, 2.0 if early else 0.3))
            host.kill()
            done += 1
        if server_every and done // server_every > server_kills:
            lab.kill_server()
            server_kills += 1
            lab.await_phones()
        time.sleep(rng.choice([0.0, 0.5, 3.0]))
    for _ in range(LAST_TRIES):
        with start_host(lab) as host:
            if host.wait(LAST_LIMIT_S) != EXIT_NO_PHONE:
                break
        time.sleep(3.0)  # the adb server has just been started again
    return _judge(lab, done, server_kills, time.monotonic() - begun)


def _hear(lab: ChaosLab, host: subprocess.Popen[bytes], words: int) -> None:
    """Wait until the host has said so much, or has ended."""
    log = lab.folder / "host.log"
    before = log.read_bytes().count(b"\n")
    until = time.monotonic() + SILENT_LIMIT_S
    while time.monotonic() < until and host.poll() is None:
        if log.read_bytes().count(b"\n") - before >= words:
            break
        time.sleep(0.02)


def start_host(lab: ChaosLab) -> subprocess.Popen[bytes]:
    """Start a host that begins the lab's run or goes on with it; what it says is kept."""
    log = (lab.folder / "host.log").open("ab")
    with log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.chaos.host"),
                *(lab.server.address, str(lab.folder), ",".join(lab.adb_serials)),
            ],
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
            env=dict(os.environ),
        )


def _judge(lab: ChaosLab, kills: int, server_kills: int, seconds: float) -> Verdict:
    path = lab.runs / "r"
    run, state = RunFolder.open(path), status(path)
    finished = Counter(row.task_id for row in state.attempts if row.state == "finished")
    events_missing = samples_missing = 0
    for row in state.attempts:
        if row.state != "finished":
            continue
        attempt = run.attempt(row.task_id, row.attempt)
        numbers = [event.seq for event in attempt.events()]
        events_missing += numbers != list(range(len(numbers)))
        events_missing += not isinstance(attempt.events()[-1], Finished)
        sampling = attempt.result().sampling
        samples_missing += 0 if sampling is None else sampling.missing
    with Ledger.read(run.ledger_path) as ledger:
        rejoined = sum(change.note == "rejoined" for change in ledger.changes())
    return Verdict(
        kills=kills,
        server_kills=server_kills,
        jobs=dict(Counter(job.state for job in state.tasks)),
        attempts=dict(Counter(row.state for row in state.attempts)),
        rejoined=rejoined,
        finished_twice=sum(n > 1 for n in finished.values()),
        events_missing=events_missing,
        samples_missing=samples_missing,
        leases_left=len(state.leases),
        seconds=seconds,
    )


def main() -> int:
    """Prove it; exit code 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--phones", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--server-every", type=int, default=0, help="kills of the adb server too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        with chaos_lab(folder, options.phones) as lab:
            verdict = prove(lab, options.kills, options.jobs, options.seed, options.server_every)
        print(json.dumps(asdict(verdict), indent=1))
        good = (
            verdict.jobs == {"finished": options.jobs}
            and not verdict.finished_twice
            and not verdict.events_missing
            and not verdict.leases_left
        )
        if not good:
            print((folder / "host.log").read_text()[-6000:], file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
