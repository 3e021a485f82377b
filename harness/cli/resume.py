"""``harness resume``: go on with a run that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import end_of_run
from harness.cli.engine import open_lab
from harness.cli.options import (
    AdbOption,
    ApkOption,
    EngineOption,
    FarmOption,
    JsonOption,
    KeepOption,
    PhonesFileOption,
    RunArgument,
    RunsOption,
    SchedulerOption,
    SkipUnfitOption,
)
from harness.cli.progress import progress_display
from harness.cli.runs import RUN_ROOT, run_folder
from harness.lab import resume_run
from harness.lab.ledger import Ledger
from harness.results.store import RunFolder
from harness.scenario import JobSpec

app = typer.Typer()


@app.command()
def resume(
    run: RunArgument,
    farm: FarmOption = None,
    adb: AdbOption = None,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    runs: RunsOption = RUN_ROOT,
    skip_unfit: SkipUnfitOption = False,
    keep: KeepOption = False,
    apk: ApkOption = None,
    phones_file: PhonesFileOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed and skipped jobs again too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Finish a run: unfinished jobs run, finished ones are never repeated."""
    folder = run_folder(run, runs)
    if farm is None and adb is None and engine is None and scheduler is None:
        before = RunFolder.open(folder).record().farm or {}
        farm, adb, scheduler = (before.get(name) for name in ("option", "adb", "scheduler"))
    specs = job_specs(folder) if farm is not None else []
    with (
        open_lab(
            engine=engine,
            scheduler=scheduler,
            farm=farm,
            adb=adb,
            specs=specs,
            apk=apk,
            phones_file=phones_file,
            resumed=folder,
        ) as lab,
        progress_display() as progress,
    ):
        summary = resume_run(
            folder,
            lab.bench,
            keep=keep,
            retry_failed=retry_failed,
            progress=progress,
            engine=lab.engine,
            skip_unfit=skip_unfit,
        )
    raise typer.Exit(end_of_run(summary, report=True, as_json=as_json))


def job_specs(folder: Path) -> list[JobSpec]:
    """Return the run's jobs: a farm is asked for what they need."""
    with Ledger.open(RunFolder.open(folder).ledger_path) as ledger:
        return ledger.specs()
