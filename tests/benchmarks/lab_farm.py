"""Whole attempts on virtual phones with replayed trainers: what ``script/bench lab --farm`` runs.

Real adb, real files, real threads; only the training is replayed. CPU is counted for the process
that hosts the run, the virtual farm and the adb server separately: of a lab with real phones, only
the first and the last are there.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from harness.lab import status
from harness.lab.clock import seconds_between
from harness.lab.ledger.tables import AttemptRow
from harness.results.store import RunFolder
from tests.chaos.kills import start_host
from tests.chaos.lab import ChaosLab

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LOOK_S = 5.0
EPOCHS = 3
PRESSED_MB = 3600.0


def tree(pid: int) -> Iterator[int]:
    """All processes below one, itself too; one that detached itself is not seen."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        for task in tasks:
            for child in (task / "children").read_text().split():
                yield from tree(int(child))
    except OSError:
        return


def cpu_s(pid: int) -> float:
    """CPU time of a process and of its children that ended, in s; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return TICK_S * sum(int(value) for value in fields[11:15])


def memory_mb(pid: int, what: str) -> float:
    """Return a line of a process's memory in MiB (``Pss``: what is shared counts by its share)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


@dataclass
class Costs:
    """What a run costs as it goes, looked at every `LOOK_S`."""

    host_pid: int
    others: dict[str, int]
    seen: list[tuple[int, float]] = field(default_factory=list)
    """(attempts that ended, CPU s of the host)."""
    peak_mb: float = 0.0
    threads: int = 0
    phone_mb: float = 0.0
    """PSS of the farm, all its phones together, at its highest."""
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)

    def look(self, ended: int, *, memory: bool) -> None:
        """Note what there is now."""
        host = cpu_s(self.host_pid)
        if not host:
            return
        self.seen.append((ended, host))
        now = {name: sum(map(cpu_s, tree(pid))) for name, pid in self.others.items()}
        self.first = self.first or now
        self.last = {name: max(self.last.get(name, 0.0), used) for name, used in now.items()}
        self.threads = max(self.threads, len(list(Path(f"/proc/{self.host_pid}/task").iterdir())))
        if memory:
            self.peak_mb = max(self.peak_mb, memory_mb(self.host_pid, "Rss"))
            farm = sum(memory_mb(pid, "Pss") for pid in tree(self.others["farm"]))
            self.phone_mb = max(self.phone_mb, farm)

    def of_host(self, low: float, high: float) -> float:
        """Return CPU s an attempt of the host between two shares of what ended."""
        total = self.seen[-1][0]
        begun = next(one for one in self.seen if one[0] >= low * total)
        ended = next(one for one in self.seen if one[0] >= high * total)
        return (ended[1] - begun[1]) / max(1, ended[0] - begun[0])


def run_for_bench(
    lab: ChaosLab, jobs: int, minutes: float, tell: Callable[[str], None], *, press: bool = True
) -> dict[str, object]:
    """Run whole attempts, or go on with a run that was cut short; return what they cost.

    Args:
        lab: Phones; the run lies in its folder.
        jobs: How many jobs the run has.
        minutes: After so long the run is stopped as by Ctrl-C, to be gone on with later.
        tell: Called with how it goes.
        press: With RAM pressure, which asks each phone twice a second.
    """
    run = lab.runs / "r"
    if not lab.scenario.exists():
        lab.write_scenario(jobs, epochs=EPOCHS, available_mb=PRESSED_MB if press else None)
    before = _ended(run)
    begun = time.monotonic()
    stopped = False
    with start_host(lab) as host:
        costs = Costs(host.pid, {"farm": lab.farm_pid, "adb": lab.server_pid})
        while host.poll() is None:
            time.sleep(LOOK_S)
            ended = _ended(run) - before
            costs.look(ended, memory=len(costs.seen) % 6 == 0)
            if len(costs.seen) % 12 == 0:
                tell(f"{time.monotonic() - begun:.0f} s: {ended} attempts ended")
            if time.monotonic() - begun > 60 * minutes and not stopped:
                stopped = True
                host.send_signal(signal.SIGINT)
    wall_s = time.monotonic() - begun
    return _figures(lab, costs, _ended(run) - before, wall_s, stopped)


def _ended(run: Path) -> int:
    """Return how many attempts have ended, by the ledger."""
    try:
        with closing(sqlite3.connect(f"file:{run / 'ledger.sqlite'}?mode=ro", uri=True)) as ledger:
            asked = "SELECT count(*) FROM attempts WHERE ended IS NOT NULL"
            return int(ledger.execute(asked).fetchone()[0])
    except sqlite3.Error:
        return 0


def _figures(
    lab: ChaosLab, costs: Costs, done: int, wall_s: float, stopped: bool
) -> dict[str, object]:
    run = RunFolder.open(lab.runs / "r")
    found = status(run.path)
    phones = len(lab.adb_serials)
    size = sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file())
    finished = [row for row in found.attempts if row.state == "finished"]
    failures: dict[str, int] = {}
    for row in found.attempts:
        if row.state not in ("finished", "running"):
            failures[row.failure or row.state] = failures.get(row.failure or row.state, 0) + 1
    figures: dict[str, object] = {
        "phones": phones,
        "jobs": len(found.tasks),
        "stopped_by_minutes": stopped,
        "finished_in_all": len(finished),
        "ended_now": done,
        "not_finished": failures,
        "wall_s": wall_s,
        "attempts_a_minute": 60 * done / wall_s,
        "between_attempts_s": _between([row for row in found.attempts if row.ended_utc]),
        "host_peak_rss_mb": costs.peak_mb,
        "host_threads": costs.threads,
        "farm_pss_mb_a_phone": costs.phone_mb / phones,
        "ledger_kib_a_job": run.ledger_path.stat().st_size / 1024 / max(1, len(found.tasks)),
        "run_folder_mib_an_attempt": size / 2**20 / max(1, len(found.attempts)),
    }
    if costs.seen[-1][0] > phones:
        figures["host_cpu_s_an_attempt"] = costs.of_host(0.0, 1.0)
        for name, used in costs.last.items():
            figures[f"{name}_cpu_s_an_attempt"] = (used - costs.first[name]) / costs.seen[-1][0]
        figures["host_cpu_last_third_over_middle_third"] = costs.of_host(2 / 3, 1.0) / max(
            0.001, costs.of_host(1 / 3, 2 / 3)
        )
    return figures


def _between(rows: list[AttemptRow]) -> float:
    """Return the median time from one attempt's end to the next one's start on the same phone."""
    last: dict[str, str] = {}
    gaps: list[float] = []
    for row in sorted(rows, key=lambda one: one.started_utc):
        if row.serial in last:
            gaps.append(seconds_between(last[row.serial], row.started_utc))
        last[row.serial] = row.ended_utc or row.started_utc
    return sorted(gaps)[len(gaps) // 2] if gaps else 0.0
