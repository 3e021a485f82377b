"""``harness status``: where a run stands."""

from __future__ import annotations

import dataclasses
from collections import Counter

import typer

from harness.cli import console
from harness.cli.ending import result_row, results_table
from harness.cli.options import JsonOption, RunArgument, RunsOption
from harness.cli.runs import RUN_ROOT, run_folder
from harness.lab import status as read_status

app = typer.Typer()


@app.command()
def status(run: RunArgument, runs: RunsOption = RUN_ROOT, as_json: JsonOption = False) -> None:
    """Show a run's jobs, attempts and phones; may be asked while it runs."""
    found = read_status(run_folder(run, runs))
    counts = Counter(row.state for row in found.jobs)
    if as_json:
        console.emit_json(
            {
                "run": found.record.run_id,
                "started_utc": found.record.started_utc,
                "finished_utc": found.record.finished_utc,
                "interrupted": found.record.interrupted,
                "counts": counts,
                "jobs": [dataclasses.asdict(row) for row in found.jobs],
                "attempts": [dataclasses.asdict(row) for row in found.attempts],
                "leases": [dataclasses.asdict(row) for row in found.leases],
                "results": [result_row(result) for result in found.results],
            }
        )
        return
    state = "finished" if found.record.finished_utc else "not finished"
    console.say(f"{found.record.run_id}: {state}, started {found.record.started_utc}")
    console.say(", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "no jobs")
    for attempt in found.attempts:
        if attempt.state == "running":
            console.say(
                f"  running: {attempt.job_id} attempt {attempt.attempt} on {attempt.serial}"
            )
    for lease in found.leases:
        console.say(f"  held: {lease.serial} by {lease.owner}")
    if found.results:
        results_table(found.results)
