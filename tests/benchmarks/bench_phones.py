"""What a hundred virtual phones cost: seconds to start, memory each, and one run over all of them.

``script/bench phones [--phones 100] [--isolation auto|none|userns] [--speed 10] [--no-run]``. The
trainers are traces; the run has one job a phone. Memory is PSS: what's shared counts once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.adb.server import AdbServer

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SCENARIO = """\
name: bench-phones
model: ds2-tiny
data: {{corpus: accents, speaker: us-male, train: 8, validation: 4}}
trainer:
  batch_size: 2
  epochs: 3
  threads: 1
  stop: {{patience: 100, available_below_mb: 0, battery_below_percent: 5}}
matrix:
  trainer.seed: {seeds}
"""


def descendants(pid: int) -> Iterator[int]:
    """All processes below one, itself too; one that detached itself is not seen."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from descendants(int(child))


def pss_mb(pid: int) -> float:
    """Memory of a process, what it shares counted by its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_s(pid: int) -> float:
    """CPU time of a process and of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return TICK_S * sum(int(value) for value in fields[11:15])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=100)
    parser.add_argument("--isolation", default="auto")
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--no-run", dest="run", action="store_false")
    options = parser.parse_args()
    server = AdbServer.start_private()
    began = time.monotonic()
    farm = subprocess.Popen(
        [sys.executable, "-m", "harness.virtual.farm", "--profile", f"generic={options.phones}",
         "--trainer", "trace", "--trace-speed", str(options.speed), "--adb-port", str(server.port),
         "--isolation", options.isolation, "--json", "--until-stdin-closes"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert farm.stdin is not None
    assert farm.stdout is not None
    try:
        for line in farm.stdout:
            if json.loads(line).get("ready"):
                break
        seconds = time.monotonic() - began
        print(f"{options.phones} phones listed by adb after {seconds:.1f} s, "
              f"{cpu_s(farm.pid):.1f} s CPU of the farm")  # fmt: skip
        everything = list(descendants(farm.pid))
        own, all_mb = pss_mb(farm.pid), sum(map(pss_mb, everything))
        print(f"memory: farm {own:.0f} MB, with all its {len(everything)} processes {all_mb:.0f} MB"
              f" = {all_mb / options.phones:.2f} MB a phone")  # fmt: skip
        time.sleep(1)
        before, then = cpu_s(farm.pid), time.monotonic()
        time.sleep(10)
        idle = (cpu_s(farm.pid) - before) / (time.monotonic() - then)
        print(f"idle: {100 * idle:.0f} % of one core")
        if options.run:
            run(options.phones, server, farm.pid)
    finally:
        farm.stdin.close()
        farm.wait(60)
        server.close()


def run(phones: int, server: AdbServer, farm: int) -> None:
    """One job a phone, all at once."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "bench.yaml"
        scenario.write_text(SCENARIO.format(seeds=list(range(phones))))
        before, began = cpu_s(farm), time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", "from harness.cli import main; main()", "run", str(scenario),
             "--adb", server.address],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        wall = time.monotonic() - began
        found: list[dict[str, Any]] = [
            json.loads(path.read_text())
            for path in Path(folder).glob("runs/*/attempts/*/*/result.json")
        ]
        said = Counter((one["status"], one["phone"]["origin"]) for one in found)
        used = len({one["phone"]["serial"] for one in found})
        print(f"run: exit code {done.returncode}, {len(found)} attempts on {used} phones in "
              f"{wall:.0f} s: {dict(said)}; farm's CPU {cpu_s(farm) - before:.0f} s")  # fmt: skip
        for one in found:
            if one["status"] != "finished":
                print(f"  {one['phone']['serial']}: {one.get('failure')}")
        if done.returncode:
            print(done.stderr[-2000:])


if __name__ == "__main__":
    main()
