"""``harness run``: run a scenario on the phones at hand, and report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli.ending import end_of_run
from harness.cli.engine import open_lab
from harness.cli.groups import grouped
from harness.cli.materials import checked
from harness.cli.options import (
    ApkOption,
    ExpectOption,
    JobOptions,
    JsonOption,
    KeepOption,
    PhoneOptions,
    RunsOption,
    ScenarioArgument,
    SkipUnfitOption,
    WaitOption,
)
from harness.cli.progress import progress_display
from harness.cli.runs import RUN_ROOT, check_new_run
from harness.cli.scenario_file import read_scenario
from harness.lab import RunSettings, run_scenario

app = typer.Typer()


@app.command()
@grouped
def run(
    scenario: ScenarioArgument,
    phones: PhoneOptions,
    jobs: JobOptions,
    runs: RunsOption = RUN_ROOT,
    name: Annotated[
        Optional[str],
        typer.Option("--name", help="Name of the run folder.", show_default=False),
    ] = None,
    skip_unfit: SkipUnfitOption = False,
    wait: WaitOption = False,
    keep: KeepOption = False,
    apk: ApkOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML.")] = False,
    expect: ExpectOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a scenario: exit code 0 all finished, 1 some failed, 2 bad input, 3 no phone that fits.

    Ctrl-C stops gently: trainers end, phones are released; `harness resume` goes on later.
    """
    loaded = read_scenario(scenario, jobs.set_ or ())
    only = jobs.only or ()
    check_new_run(runs, name)
    materials, feed = checked(loaded, only)
    with (
        open_lab(phones, loaded=loaded, only=only, apk=apk) as bench,
        progress_display() as progress,
    ):
        summary = run_scenario(
            loaded,
            bench,
            run_root=runs,
            settings=RunSettings(
                only=only,
                run_id=name,
                command=[Path(sys.argv[0]).name, *sys.argv[1:]],
                keep=keep,
                progress=progress,
                materials=materials,
                on_plan=lambda plan, _folder: progress.planned(plan),
                skip_unfit=skip_unfit,
                feed=feed,
                wait=wait,
            ),
        )
    raise typer.Exit(end_of_run(summary, report=not no_report, as_json=as_json, expected=expect))
