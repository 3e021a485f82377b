"""A host of a run, to be killed: ``python -m tests.chaos.host ADDRESS FOLDER SERIALS``.

It begins the run ``r`` or resumes it, whatever it finds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.adb.server import AdbServer
from harness.errors import NoPhoneError
from harness.lab import Bench, RunSettings, open_bench, resume_run, run_scenario
from harness.lab.attempt.tools import RealTools
from harness.lab.ports import PhoneStatus
from harness.results.model import AttemptResult
from harness.scenario import load_scenario


def host_bench(address: str, folder: Path, adb_serials: Sequence[str]) -> Bench:
    """Return the bench of a host: its own leases, quick to give up a lost phone's release."""
    server = AdbServer.existing(address)
    bench = open_bench([server], only=adb_serials, lease_root=folder / "leases")
    return replace(bench, tools=RealTools(release_limit_s=4.0))


class Say:
    """Tells on standard output that it lives."""

    def phone(self, status: PhoneStatus) -> None:
        print("step", status.serial, status.step, status.epoch, flush=True)

    def ended(self, result: AttemptResult, *, retried: bool) -> None:
        print("ended", result.job_id, result.failure and result.failure.kind, flush=True)

    def note(self, text: str) -> None:
        print("note", text, flush=True)


def main() -> int:
    """Run or resume; exit code of the run, 3 if no phone is there (yet)."""
    address, folder = sys.argv[1], Path(sys.argv[2])
    try:
        bench = host_bench(address, folder, sys.argv[3].split(","))
        run = folder / "runs" / "r"
        if (run / "run.json").is_file():
            return resume_run(run, bench, settings=RunSettings(progress=Say())).exit_code
        loaded = load_scenario(folder / "chaos.yaml")
        run_root = folder / "runs"
        if run.exists():  # killed before it was a run: nothing had been started
            run.rename(folder / f"runs-r-{run.stat().st_mtime_ns}")
        return run_scenario(
            loaded, bench, run_root=run_root, settings=RunSettings(run_id="r", progress=Say())
        ).exit_code
    except NoPhoneError as error:
        print("note", error, flush=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
