"""How long the report of a large run takes, what memory and how large a page.

``script/bench report`` makes a run of 504 attempts with one hour of samples each (1.8 million rows;
made-up figures, origin ``trace``) and reports it in a process of its own, as ``harness report``
does. ``--attempts`` and ``--seconds`` change the size, ``--run`` takes a run folder that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.results.store import RunFolder
from tests.fixtures.report_run import Failing, RunShape, make_run

CELLS = 72
"""Attempts of one repeat: two phones, three speakers, three sub-models, four batch sizes."""
LIMITS = {"seconds": 60.0, "peak_rss_mb": 1024.0, "html_mb": 5.0}


def shape_of(attempts: int, seconds: int) -> RunShape:
    """Return a run of at least so many attempts: whole repeats of the same matrix."""
    repeats = -(-attempts // CELLS)
    return RunShape(
        speakers=("us-male", "uk-female", "ind-male"),
        batch_sizes=(1, 2, 5, 10),
        repeats=repeats,
        seconds=seconds,
        epochs=8,
        failing=tuple(
            Failing(number, "DeviceLost", retried=False) for number in range(5, 5 * CELLS, CELLS)
        ),
        name="bench-report",
        title="A made-up run to measure the report with",
    )


def measure(run: Path, out: Path) -> dict[str, float]:
    """Report ``run`` to ``out`` in a child process; return what it took."""
    began = time.monotonic()
    script = "import sys; from harness.cli import main; sys.argv[0] = 'harness'; main()"
    subprocess.run(
        [sys.executable, "-c", script, "report", str(run), "--out", str(out)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.monotonic() - began,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_rss_mb": used.ru_maxrss / 1024,  # KiB on Linux
        "html_mb": out.stat().st_size / 2**20,
    }


def main() -> None:
    """Measure and print JSON; the exit code is 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=504)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--run", type=Path, help="measure this run folder instead of a made-up one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-report-") as scratch:
        run = given.run
        if run is None:
            print(f"making {given.attempts} attempts of {given.seconds} s ...", file=sys.stderr)
            run = make_run(Path(scratch), shape_of(given.attempts, given.seconds), "bench-report")
        found = measure(run, Path(scratch) / "index.html")
        folders = list(RunFolder.open(run).attempts())
        attempts, rows = len(folders), sum(one.samples(["seq"]).num_rows for one in folders)
    told = {
        "attempts": attempts,
        "rows": rows,
        **{name: round(value, 1) for name, value in found.items()},
        "limits": LIMITS,
        "load_1min": round(os.getloadavg()[0], 2),
        "cpus": os.cpu_count(),
    }
    print(json.dumps(told, indent=2))
    sys.exit(any(found[name] >= limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
