"""``harness resume``: go on with a run that was interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.ending import end_of_run
from harness.cli.engine import reopen_lab
from harness.cli.feeds import feed_of_run
from harness.cli.groups import grouped
from harness.cli.options import (
    ApkOption,
    ExpectOption,
    JsonOption,
    KeepOption,
    PhoneOptions,
    RunArgument,
    RunsOption,
    SkipUnfitOption,
    WaitOption,
)
from harness.cli.progress import progress_display
from harness.cli.runs import RUN_ROOT, run_folder
from harness.lab import RunSettings, resume_run

app = typer.Typer()


@app.command()
@grouped
def resume(
    run: RunArgument,
    phones: PhoneOptions,
    runs: RunsOption = RUN_ROOT,
    skip_unfit: SkipUnfitOption = False,
    wait: WaitOption = False,
    keep: KeepOption = False,
    apk: ApkOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run failed and skipped jobs again too.")
    ] = False,
    expect: ExpectOption = False,
    as_json: JsonOption = False,
) -> None:
    """Finish a run: unfinished jobs run, finished ones are never repeated."""
    folder = run_folder(run, runs)
    feed = feed_of_run(folder)
    with (
        reopen_lab(folder, phones, apk=apk) as bench,
        progress_display() as progress,
    ):
        summary = resume_run(
            folder,
            bench,
            retry_failed=retry_failed,
            settings=RunSettings(
                keep=keep,
                progress=progress,
                on_plan=lambda plan, _folder: progress.planned(plan),
                skip_unfit=skip_unfit,
                feed=feed,
                wait=wait,
            ),
        )
    raise typer.Exit(end_of_run(summary, report=True, as_json=as_json, expected=expect))
