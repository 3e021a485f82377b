"""``harness federated``: somebody's own Flower app on the phones of the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Optional

import typer

from harness.cli.groups import grouped
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
)
from harness.cli.run import run as run_scenario
from harness.cli.runs import RUN_ROOT
from harness.cli.suggest import SuggestingGroup

app = typer.Typer(
    cls=SuggestingGroup, help="Federated training with a Flower app.", no_args_is_help=True
)


@app.callback()
def _federated() -> None:
    """Federated training with a Flower app."""


@app.command("run")
@grouped
def run(
    app_folder: Annotated[
        Path,
        typer.Argument(
            help="The folder of a Flower app (its pyproject.toml names the ServerApp).",
            show_default=False,
        ),
    ],
    scenario: ScenarioArgument,
    phones: PhoneOptions,
    jobs: JobOptions,
    runs: RunsOption = RUN_ROOT,
    name: Annotated[
        Optional[str],
        typer.Option("--name", help="Name of the run folder.", show_default=False),
    ] = None,
    replace_start: Annotated[
        bool,
        typer.Option(
            "--replace-start",
            help="The app begins with a model of its own: phones get theirs in its place.",
        ),
    ] = False,
    skip_unfit: SkipUnfitOption = False,
    keep: KeepOption = False,
    apk: ApkOption = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML.")] = False,
    expect: ExpectOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a Flower app's ServerApp, as it is, with the clients and phones of a scenario.

    The ServerApp decides who trains, how often and what becomes of it; the phones' own trainer
    takes the place of its ClientApp. The same as `harness run SCENARIO --set
    federated.strategy='{app: APP_FOLDER}'`.
    """
    strategy: dict[str, str | bool] = {"app": str(app_folder.resolve())}
    if replace_start:
        strategy |= {"replace_start": True}
    server = f"federated.strategy={json.dumps(strategy)}"
    run_scenario(
        scenario=scenario,
        **vars(phones),
        set_=[server, *(jobs.set_ or ())],
        only=jobs.only,
        runs=runs,
        name=name,
        skip_unfit=skip_unfit,
        keep=keep,
        apk=apk,
        no_report=no_report,
        expect=expect,
        as_json=as_json,
    )
