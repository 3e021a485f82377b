"""``harness resume``: go on with a run that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import end_of_run
from harness.cli.options import (
    AdbOption,
    FarmOption,
    JsonOption,
    KeepOption,
    RunArgument,
    RunsOption,
)
from harness.cli.progress import progress_display
from harness.cli.runs import RUN_ROOT, run_folder
from harness.cli.session import open_session
from harness.lab import open_bench, resume_run
from harness.lab.ledger import Ledger
from harness.results.store import RunFolder
from harness.scenario import JobSpec

app = typer.Typer()


@app.command()
def resume(
    run: RunArgument,
    farm: FarmOption = None,
    adb: AdbOption = None,
    runs: RunsOption = RUN_ROOT,
    keep: KeepOption = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed and skipped jobs again too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Finish a run: unfinished jobs run, finished ones are never repeated."""
    folder = run_folder(run, runs)
    if farm is None and adb is None:
        farm, adb = _where_from(folder)
    specs = _specs(folder) if farm is not None else []
    with open_session(farm=farm, adb=adb, specs=specs) as session, progress_display() as progress:
        summary = resume_run(
            folder,
            open_bench(session.servers, farm=session.farm),
            keep=keep,
            retry_failed=retry_failed,
            progress=progress,
        )
    raise typer.Exit(end_of_run(summary, report=True, as_json=as_json))


def _where_from(folder: Path) -> tuple[str | None, list[str] | None]:
    """Return the farm, or the adb servers, that the run had its phones from."""
    farm = RunFolder.open(folder).record().farm or {}
    return farm.get("option"), farm.get("adb")


def _specs(folder: Path) -> list[JobSpec]:
    """Return the run's jobs: a farm is asked for what they need."""
    with Ledger.open(RunFolder.open(folder).ledger_path) as ledger:
        return ledger.specs()
